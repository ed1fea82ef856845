/* letter: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dice.h"
#include "journal/letter.h"

static const char signed_bytes[] = "{\"action\":{},\"nonce\":1,\"signature\":{}}";

static struct letter order_letter(struct venue_cancel name[VENUE_CANCELS_MAX])
{
        struct venue_action action = {.kind = VENUE_ORDER, .asset = 7};
        struct letter letter;

        action.u.order.n = 3;
        for (unsigned i = 0; i < 3; i++)
                action.u.order.order[i].cloid.b[15] = (uint8_t)(i + 1);
        letter_of_action(&letter, name, &action);
        letter.step = 2;
        letter.n_items = 3;
        letter.bytes = signed_bytes;
        letter.len = sizeof signed_bytes;
        return letter;
}

static struct letter margin_letter(void)
{
        return (struct letter){.kind = VENUE_ADJUST_MARGIN,
                               .step = 3,
                               .asset = UINT32_MAX,
                               .is_pending = true,
                               .amount = {-5},
                               .size = {INT64_MAX},
                               .held_size = {INT64_MIN},
                               .held_cash = {-1}};
}

static void letters_come_back_as_they_were(void **state)
{
        struct venue_cancel name[VENUE_CANCELS_MAX],
                cancel[2] = {{.asset = 1, .oid = UINT64_MAX}, {.by_cloid = true}};
        struct letter order = order_letter(name), margin = margin_letter(), got;
        struct letter lever = {.kind = VENUE_SET_LEVERAGE,
                               .mode = MARGIN_CROSS,
                               .leverage = 40,
                               .has_before = true,
                               .mode_before = MARGIN_ISOLATED,
                               .leverage_before = 3};
        struct letter sent = {.is_approval = true,
                              .approval = APPROVE_CLASS_TRANSFER,
                              .is_deposit = true,
                              .since = -1,
                              .count = UINT64_MAX,
                              .text = "sixteen"};
        struct letter gone = {.kind = VENUE_CANCEL, .n_names = 2, .name = cancel};
        const uint8_t *p;
        struct buf buf;
        size_t len;

        (void)state;
        sent.peer.b[19] = 9;
        buf_init(&buf, 1 << 16);
        letter_put(&buf, &order);
        letter_put(&buf, &margin);
        letter_put(&buf, &lever);
        letter_put(&buf, &sent);
        letter_put(&buf, &gone);
        p = buf.data;
        len = buf.len;
        assert_int_equal(letter_read(&got, &p, &len), E_OK);
        assert_int_equal(got.kind, VENUE_ORDER);
        assert_int_equal(got.step, 2);
        assert_int_equal(got.n_items, 3);
        assert_int_equal(got.len, sizeof signed_bytes);
        assert_memory_equal(got.bytes, signed_bytes, sizeof signed_bytes);
        for (unsigned i = 0; i < 3; i++) {
                struct venue_cancel named = letter_name(&got, i);
                assert_true(named.by_cloid);
                assert_int_equal(named.asset, 7);
                assert_int_equal(named.cloid.b[15], i + 1);
        }
        assert_int_equal(letter_read(&got, &p, &len), E_OK);
        assert_true(got.is_pending && !got.has_before && !got.is_approval && !got.bytes);
        assert_int_equal(got.asset, UINT32_MAX);
        assert_true(got.amount.v == -5 && got.size.v == INT64_MAX);
        assert_true(got.held_size.v == INT64_MIN && got.held_cash.v == -1);
        assert_int_equal(letter_read(&got, &p, &len), E_OK);
        assert_true(got.mode == MARGIN_CROSS && got.leverage == 40 && got.has_before);
        assert_true(got.mode_before == MARGIN_ISOLATED && got.leverage_before == 3);
        assert_int_equal(letter_read(&got, &p, &len), E_OK);
        assert_true(got.is_approval && got.approval == APPROVE_CLASS_TRANSFER && got.is_deposit);
        assert_true(got.since == -1 && got.count == UINT64_MAX && got.peer.b[19] == 9);
        assert_string_equal(got.text, "sixteen");
        assert_int_equal(letter_read(&got, &p, &len), E_OK);
        assert_int_equal(letter_name(&got, 0).oid, UINT64_MAX);
        assert_true(letter_name(&got, 1).by_cloid);
        assert_int_equal(letter_read(&got, &p, &len), E_NOT_FOUND);
        buf_fini(&buf);
}

static enum errc read_all(const uint8_t *bytes, size_t len)
{
        struct letter letter;
        enum errc rc;

        do {
                rc = letter_read(&letter, &bytes, &len);
                for (unsigned i = 0; !rc && i < letter.n_names; i++)
                        (void)letter_name(&letter, i);
        } while (!rc);
        return rc;
}

/* Cut anywhere, or with any byte changed: refused or read, never beyond its end. */
static void damaged_letters_are_refused(void **state)
{
        struct venue_cancel name[VENUE_CANCELS_MAX];
        struct letter order = order_letter(name);
        struct dice dice = dice_new();
        struct buf buf;

        (void)state;
        buf_init(&buf, 1 << 16);
        letter_put(&buf, &order);
        for (size_t cut = 1; cut < buf.len; cut++) {
                uint8_t *part = xmalloc(cut); /* so that reading past it is seen */
                memcpy(part, buf.data, cut);
                assert_int_equal(read_all(part, cut), E_SYNTAX);
                free(part);
        }
        for (size_t i = 0; i < buf.len; i++) {
                uint8_t was = buf.data[i];
                buf.data[i] ^= (uint8_t)dice_between(&dice, 1, 255);
                (void)!read_all(buf.data, buf.len);
                buf.data[i] = was;
        }
        buf.data[0]++;
        assert_int_equal(read_all(buf.data, buf.len), E_SYNTAX); /* another version */
        buf_fini(&buf);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(letters_come_back_as_they_were),
                cmocka_unit_test(damaged_letters_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
