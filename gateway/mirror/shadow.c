#include "mirror/shadow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Arrays grow by a few: most accounts hold little, and there are many accounts. */
static uint32_t grown(uint32_t cap)
{
        return cap < 4 ? cap + 2 : cap + cap / 2;
}

void shadow_book_fini(struct shadow_book *book)
{
        free(book->position);
        *book = (struct shadow_book){0};
}

void shadow_book_copy(struct shadow_book *to, const struct shadow_book *from)
{
        if (to->cap < from->n) {
                to->cap = from->n;
                to->position = xrealloc(to->position, to->cap * sizeof *to->position);
        }
        to->cash = from->cash;
        to->n = from->n;
        if (from->n)
                memcpy(to->position, from->position, from->n * sizeof *from->position);
}

void shadow_book_move(struct shadow_book *to, struct shadow_book *from)
{
        free(to->position);
        *to = *from;
        *from = (struct shadow_book){0};
}

void shadow_fini(struct shadow *s)
{
        shadow_book_fini(&s->book);
        if (s->base)
                shadow_book_fini(s->base);
        if (s->loss)
                shadow_book_fini(&s->loss->before);
        if (s->past)
                shadow_book_fini(&s->past->gone);
        free(s->base);
        free(s->loss);
        free(s->past);
        free(s->log);
        free(s->order);
        free(s->setting);
        free(s->gone);
        free(s->ticked);
        *s = (struct shadow){0};
}

size_t shadow_bytes(const struct shadow *s)
{
        size_t bytes = sizeof *s;

        bytes += s->book.cap * sizeof *s->book.position;
        bytes += s->base ? sizeof *s->base + s->base->cap * sizeof *s->base->position : 0;
        bytes += s->suspicion ? suspicion_bytes(s) : 0;
        bytes += s->cap_ticked * sizeof *s->ticked;
        bytes += s->cap_log * sizeof *s->log;
        bytes += s->cap_orders * sizeof *s->order;
        bytes += s->cap_settings * sizeof *s->setting;
        bytes += s->gone ? SHADOW_GONE_MAX * sizeof *s->gone : 0;
        bytes += s->loss ? sizeof *s->loss + s->loss->before.cap * sizeof *s->book.position : 0;
        bytes += s->past ? sizeof *s->past + s->past->gone.cap * sizeof *s->book.position : 0;
        return bytes;
}

/* Where the market's position stands, or would. */
static uint32_t place_of(const struct shadow_book *book, uint32_t market)
{
        uint32_t i = 0;

        while (i < book->n && book->position[i].market < market)
                i++;
        return i;
}

struct shadow_position *shadow_position(struct shadow_book *book, uint32_t market)
{
        uint32_t i = place_of(book, market);

        return i < book->n && book->position[i].market == market ? &book->position[i] : NULL;
}

struct shadow_position *shadow_position_put(struct shadow_book *book,
                                            const struct shadow_position *position)
{
        uint32_t i = place_of(book, position->market);

        if (i == book->n || book->position[i].market != position->market) {
                if (book->n == book->cap) {
                        book->cap = grown(book->cap);
                        book->position =
                                xrealloc(book->position, book->cap * sizeof *book->position);
                }
                memmove(&book->position[i + 1], &book->position[i],
                        (book->n - i) * sizeof *book->position);
                book->n++;
        }
        book->position[i] = *position;
        return &book->position[i];
}

void shadow_position_drop(struct shadow_book *book, uint32_t market)
{
        uint32_t i = place_of(book, market);

        if (i == book->n || book->position[i].market != market)
                return;
        book->n--;
        memmove(&book->position[i], &book->position[i + 1], (book->n - i) * sizeof *book->position);
}

static uint32_t setting_place(const struct shadow *s, uint32_t market)
{
        uint32_t i = 0;

        while (i < s->n_settings && s->setting[i].market < market)
                i++;
        return i;
}

const struct shadow_setting *shadow_setting(const struct shadow *s, uint32_t market)
{
        uint32_t i = setting_place(s, market);

        return i < s->n_settings && s->setting[i].market == market ? &s->setting[i] : NULL;
}

void shadow_setting_put(struct shadow *s, const struct shadow_setting *setting)
{
        uint32_t i = setting_place(s, setting->market);

        if (i == s->n_settings || s->setting[i].market != setting->market) {
                if (s->n_settings == s->cap_settings) {
                        s->cap_settings = grown(s->cap_settings);
                        s->setting = xrealloc(s->setting, s->cap_settings * sizeof *s->setting);
                }
                memmove(&s->setting[i + 1], &s->setting[i],
                        (s->n_settings - i) * sizeof *s->setting);
                s->n_settings++;
        }
        s->setting[i] = *setting;
}

void shadow_setting_drop(struct shadow *s, uint32_t market)
{
        uint32_t i = setting_place(s, market);

        if (i == s->n_settings || s->setting[i].market != market)
                return;
        s->n_settings--;
        memmove(&s->setting[i], &s->setting[i + 1], (s->n_settings - i) * sizeof *s->setting);
}
