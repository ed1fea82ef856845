#include "ctl/ctl_audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/audit_file.h"

#define LINE_MAX_BYTES (4u << 20)

const char ctl_audit_usage[] =
        "       perpgatectl audit verify --store FILE [--brand B] [--head [BRAND:]SEQ:HASH]...\n"
        "       perpgatectl audit list --store FILE [--brand B] [--from SEQ]\n"
        "       perpgatectl audit head [--store FILE [--brand B]]\n";

struct words {
        const char *store;
        const char *brand;
        int64_t from;
        struct audit_chain *chain; /* with the heads that were noted */
};

/* --- the words --- */

static int usage(const char *why)
{
        fprintf(stderr, "perpgatectl: %s\nusage:\n%s", why, ctl_audit_usage);
        return CTL_USAGE;
}

/* A head may stand before --brand, so brands are read first. */
static int take_brand(struct words *w, int argc, char **argv)
{
        for (int i = 1; i + 1 < argc; i += 2)
                if (strcmp(argv[i], "--brand") == 0)
                        w->brand = argv[i + 1];
        return w->brand && (!w->brand[0] || strlen(w->brand) > 31) ? usage("no such brand")
                                                                   : CTL_OK;
}

static int take_head(struct words *w, const char *text)
{
        struct audit_head head;

        if (audit_chain_parse_head(&head, text, w->brand))
                return usage(
                        "a head is [BRAND:]SEQ:HASH, 64 hex digits, of --brand if that is named");
        return audit_chain_expect(w->chain, &head) ? usage("too many heads") : CTL_OK;
}

static int take_from(struct words *w, const char *text)
{
        struct audit_head head;
        char with_hash[128];
        /* The same digits as a head's number. */
        int n = snprintf(with_hash, sizeof with_hash, "b:%s:%064d", text, 0);

        if (n < 0 || (size_t)n >= sizeof with_hash ||
            audit_chain_parse_head(&head, with_hash, NULL))
                return usage("--from takes a record's number");
        w->from = head.seq;
        return CTL_OK;
}

static int take_words(struct words *w, int argc, char **argv)
{
        int status = take_brand(w, argc, argv);

        for (int i = 1; i < argc && !status; i += 2) {
                const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

                if (!value)
                        status = usage("an option lacks its value");
                else if (strcmp(word, "--store") == 0)
                        w->store = value;
                else if (strcmp(word, "--head") == 0)
                        status = take_head(w, value);
                else if (strcmp(word, "--from") == 0)
                        status = take_from(w, value);
                else if (strcmp(word, "--brand") != 0)
                        status = usage("an option is not known");
        }
        return status;
}

/* --- printing --- */

static void print_line(struct buf *line)
{
        buf_putc(line, '\n');
        if (buf_check(line) == E_OK)
                (void)!fwrite(line->data, 1, line->len, stdout);
        buf_fini(line);
}

static void put_text(struct buf *out, const char *name, const char *s, size_t len)
{
        buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
        buf_put_json(out, s, len);
}

static void print_head(const struct audit_head *head)
{
        char hash[HASH_STR_MAX];
        struct buf line;

        buf_init(&line, LINE_MAX_BYTES);
        buf_putc(&line, '{');
        put_text(&line, "brand", head->brand, strlen(head->brand));
        buf_printf(&line, ",\"seq\":%" PRId64 ",\"at\":%" PRId64 ",\"hash\":\"%s\"", head->seq,
                   head->at, hex_encode(hash, head->hash.b, sizeof head->hash.b));
        buf_printf(&line, ",\"head\":\"%s:%" PRId64 ":%s\"}", head->brand, head->seq, hash);
        print_line(&line);
}

static void print_heads(const struct audit_chain *chain)
{
        for (size_t i = 0; i < audit_chain_brands(chain); i++)
                print_head(audit_chain_head(chain, i));
}

static void print_verdict(const struct audit_verdict *verdict, const struct audit_chain *chain)
{
        const char *text = audit_chain_fault_text(verdict->fault);
        const char *name = audit_chain_fault_name(verdict->fault);
        struct buf line;

        buf_init(&line, LINE_MAX_BYTES);
        buf_putc(&line, '{');
        put_text(&line, "status", verdict->fault ? "broken" : "whole", verdict->fault ? 6 : 5);
        buf_printf(&line, ",\"records\":%" PRIu64 ",\"brands\":%zu", verdict->records,
                   audit_chain_brands(chain));
        if (verdict->fault) {
                put_text(&line, "brand", verdict->brand, strlen(verdict->brand));
                buf_printf(&line, ",\"seq\":%" PRId64, verdict->seq);
                put_text(&line, "fault", name, strlen(name));
                put_text(&line, "detail", text, strlen(text));
        }
        buf_putc(&line, '}');
        print_line(&line);
}

/* --- the commands --- */

static int unread(const struct err *err)
{
        fprintf(stderr, "perpgatectl: %s\n", err->detail);
        return CTL_UNREAD;
}

static int verify(struct audit_file *file, const struct words *w)
{
        struct audit_verdict verdict;
        struct err err = {.code = E_OK};

        if (audit_file_verify(file, &verdict, w->chain, w->brand, &err))
                return unread(&err);
        if (!verdict.fault)
                print_heads(w->chain);
        print_verdict(&verdict, w->chain);
        return verdict.fault ? CTL_FAILED : CTL_OK;
}

/* A head that a broken chain ends in says nothing, so the chain is judged on the way to it. */
static int head(struct audit_file *file, const struct words *w)
{
        struct audit_verdict verdict;
        struct err err = {.code = E_OK};

        if (audit_file_verify(file, &verdict, w->chain, w->brand, &err))
                return unread(&err);
        if (verdict.fault)
                print_verdict(&verdict, w->chain);
        else
                print_heads(w->chain);
        return verdict.fault ? CTL_FAILED : CTL_OK;
}

static bool print_record(void *cookie, const struct audit_record *r)
{
        const struct words *w = cookie;
        char hash[HASH_STR_MAX];
        struct buf line;

        if (w->brand && !(r->brand.s && r->brand.len == strlen(w->brand) &&
                          memcmp(r->brand.s, w->brand, r->brand.len) == 0))
                return true;
        if (r->seq < w->from)
                return true;
        buf_init(&line, LINE_MAX_BYTES);
        buf_putc(&line, '{');
        if (r->is_malformed) {
                buf_printf(&line, "\"seq\":%" PRId64 ",\"malformed\":true", r->seq);
        } else {
                put_text(&line, "brand", r->brand.s, r->brand.len);
                buf_printf(&line, ",\"seq\":%" PRId64 ",\"at\":%" PRId64, r->seq, r->at);
                put_text(&line, "actor", r->actor.s, r->actor.len);
                put_text(&line, "action", r->action.s, r->action.len);
                put_text(&line, "detail", r->detail.s, r->detail.len);
                put_text(&line, "prevHash", hex_encode(hash, r->prev.b, sizeof r->prev.b), 64);
                put_text(&line, "hash", hex_encode(hash, r->hash.b, sizeof r->hash.b), 64);
        }
        buf_putc(&line, '}');
        print_line(&line);
        return true;
}

static int list(struct audit_file *file, const struct words *w)
{
        struct err err = {.code = E_OK};
        struct words words = *w;

        return audit_file_each(file, print_record, &words, &err) ? unread(&err) : CTL_OK;
}

static int with_file(const struct words *w,
                     int (*command)(struct audit_file *file, const struct words *w))
{
        struct err err = {.code = E_OK};
        struct audit_file *file = audit_file_open(w->store, &err);
        int status = file ? command(file, w) : unread(&err);

        audit_file_close(file);
        return status;
}

int ctl_audit(const struct ctl *ctl, int argc, char **argv)
{
        static const struct {
                const char *word;
                int (*run)(struct audit_file *file, const struct words *w);
        } commands[] = {{"verify", verify}, {"list", list}, {"head", head}};
        struct words w = {.chain = audit_chain_new()};
        int status = argc < 1 ? usage("verify, list or head") : take_words(&w, argc, argv);
        size_t i = 0;

        if (status)
                goto done;
        while (i < sizeof commands / sizeof *commands && strcmp(argv[0], commands[i].word) != 0)
                i++;
        if (i == sizeof commands / sizeof *commands)
                status = usage("verify, list or head");
        else if (w.store)
                status = with_file(&w, commands[i].run);
        else if (commands[i].run == head && argc == 1)
                status = ctl->ask(ctl->admin, "/audit/head");
        else
                status = usage("--store FILE says which database");
done:
        audit_chain_free(w.chain);
        return status;
}
