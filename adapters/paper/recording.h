/* recording: the lines of a recorded market, as FORMAT.md describes them. Strict: unknown members,
 * missing ones, numbers as JSON numbers where texts belong, lines too long or out of order are all
 * refused. Pure. */
#ifndef PAPER_RECORDING_H
#define PAPER_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"

#define RECORDING_VERSION  1
#define RECORDING_LINE_MAX 8192 /* bytes of a line, without its newline */
#define RECORDING_LEVELS   20   /* of a side */
#define RECORDING_COIN     32
#define RECORDING_SOURCE   512

enum recording_type { RECORDING_PRICE, RECORDING_BOOK, RECORDING_TRADE, RECORDING_GAP };

struct recording_level {
        struct px price;
        struct qty size;
        uint32_t n_orders;
};
struct recording_event {
        enum recording_type type;
        int64_t at;                                        /* the recorder's clock */
        char coin[RECORDING_COIN];                         /* "" of a gap */
        struct px mark, oracle;                            /* price */
        struct recording_level level[2][RECORDING_LEVELS]; /* book: bids, asks, best first */
        size_t n_levels[2];
        bool is_buy; /* trade: the aggressor bought */
        struct px price;
        struct qty size;
};

/* First line of a file. source is shown to people and not used. */
void recording_print_header(struct buf *out, const char *source, int64_t at);
MUST_USE enum errc recording_parse_header(const char *line, size_t len, struct err *err);
/* One line with its newline. */
void recording_print(struct buf *out, const struct recording_event *event);
MUST_USE enum errc recording_parse(struct recording_event *out, const char *line, size_t len,
                                   struct err *err);
/* Whether the levels can be a book: sizes above 0, bids falling, asks rising, bids below asks. */
bool recording_book_fits(const struct recording_event *event);
/* 1..31 plain characters: printable ASCII but blank, quote and backslash. */
bool recording_coin_fits(const char *coin);
/* A price above 0 that a venue could have. */
bool recording_price_fits(struct px price);

/* A whole file in memory, read line by line. */
struct recording {
        char *text; /* owned */
        size_t len, next;
        size_t line; /* number of the line read last; the first is 1 */
        int64_t last_at;
};
#define RECORDING_FILE_MAX (256u << 20)

/* Takes text (NUL not needed). Refused where any line is: err names the line. Stands after the header.*/
MUST_USE enum errc recording_open(struct recording *out, char *text, size_t len, const char *name,
                                  struct err *err);
MUST_USE enum errc recording_open_file(struct recording *out, const char *file, struct err *err);
void recording_close(struct recording *recording); /* accepts a zeroed one */
/* The next event; false at the end. */
bool recording_next(struct recording *recording, struct recording_event *out);
void recording_rewind(struct recording *recording);

#endif
