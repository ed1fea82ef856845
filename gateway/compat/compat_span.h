/* compat_span: where in a JSON text a member's value stands, byte for byte: what was signed must go on as it was
 * written. Pure. */
#ifndef COMPAT_SPAN_H
#define COMPAT_SPAN_H

#include <stdbool.h>
#include <stddef.h>

/* The value of key in the object that the text is; at points into it. False: the text is no object, has no
 * such member, or spells it with escapes. Of a text that is not JSON it may say anything inside the text. */
bool compat_span_find(const char **at, size_t *len, const char *text, size_t text_len,
                      const char *key);

#endif
