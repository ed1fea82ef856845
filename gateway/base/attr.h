/* attr: the few compiler attributes the project uses, under names that read as words. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define MUST_USE      __attribute__((warn_unused_result))
#define PRINTF(f, a)  __attribute__((format(printf, f, a)))
#define NORETURN      __attribute__((noreturn))
#define CLEANUP(func) __attribute__((cleanup(func)))

/* For what can't happen. Aborts in release builds too: the journal makes a crash safe,
 * and carrying on with broken state does not. */
#define must(expr) ((expr) ? (void)0 : must_failed(#expr, __FILE__, __LINE__))
/* For a place that can't be reached: after a switch that lists every member. */
#define never(why) must_failed(why, __FILE__, __LINE__)
NORETURN void must_failed(const char *expr, const char *file, int line);

#endif
