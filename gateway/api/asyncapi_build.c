#include "api/asyncapi_build.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "api/openapi_build.h"
#include "api/openapi_schema.h"
#include "api/series.h"
#include "base/mem.h"

#define NAME_MAX_ 80
#define REF_MAX   160

/* A document while it is written. All borrowed but for the parts of the document. */
struct draft {
        const json_t *words;   /* openapi/streams.json */
        const json_t *schemas; /* all there are, by name */
        json_t *used;          /* those that frames lead to */
        json_t *messages;      /* by name */
        json_t *operations;
        char channels[256], intervals[128]; /* in the shorthand: "a|b|c" */
};

static void set(json_t *object, const char *key, json_t *value)
{
        must(value != NULL && json_object_set_new(object, key, value) == 0);
}

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static json_t *ref_of(const char *place, const char *name)
{
        char ref[REF_MAX];
        int n = snprintf(ref, sizeof ref, "#/%s/%s", place, name);

        must(n > 0 && (size_t)n < sizeof ref);
        return json_pack("{s:s}", "$ref", ref);
}

/* --- schemas --- */

/* Beside a $ref nothing counts in this dialect: what stands there goes around it. */
static void part_ref(json_t *schema)
{
        json_t *ref = json_object_get(schema, "$ref"), *value;
        const char *key;
        size_t i;

        if (ref && json_object_size(schema) > 1) {
                set(schema, "allOf", json_pack("[{s:O}]", "$ref", ref));
                must(json_object_del(schema, "$ref") == 0);
                return;
        }
        json_array_foreach(schema, i, value)
        {
                part_ref(value);
        }
        json_object_foreach(schema, key, value)
        {
                part_ref(value);
        }
}

static void use_all(struct draft *d, const json_t *schema);

static void use(struct draft *d, const char *ref)
{
        static const char place[] = "#/components/schemas/";
        const char *name = ref + sizeof place - 1;
        json_t *schema;

        must(strncmp(ref, place, sizeof place - 1) == 0);
        if (json_object_get(d->used, name))
                return;
        schema = json_deep_copy(json_object_get(d->schemas, name));
        must(schema != NULL);
        part_ref(schema);
        set(d->used, name, schema);
        use_all(d, schema);
}

/* Takes over the schemas that this one leads to. */
static void use_all(struct draft *d, const json_t *schema)
{
        json_t *value;
        const char *key;
        size_t i;

        json_array_foreach((json_t *)(uintptr_t)schema, i, value)
        {
                use_all(d, value);
        }
        json_object_foreach((json_t *)(uintptr_t)schema, key, value)
        {
                if (strcmp(key, "$ref") == 0 && json_is_string(value))
                        use(d, json_string_value(value));
                else
                        use_all(d, value);
        }
}

/* --- messages --- */

/* The names of all streams of a subject (NULL: of any), as the shorthand has alternatives. */
static void join_names(const struct draft *d, const char *subject, char *out, size_t cap)
{
        const char *name;
        json_t *stream;
        size_t len = 0;

        out[0] = '\0';
        json_object_foreach(json_object_get(d->words, "streams"), name, stream)
        {
                if (subject && strcmp(text_of(stream, "subject"), subject) != 0)
                        continue;
                int n = snprintf(out + len, cap - len, "%s%s", len ? "|" : "", name);
                must(n > 0 && (size_t)n < cap - len);
                len += (size_t)n;
        }
}

static void join_intervals(char *out, size_t cap)
{
        size_t len = 0;

        for (unsigned i = 0; series_intervals[i]; i++) {
                int n = snprintf(out + len, cap - len, "%s%s", i ? "|" : "", series_intervals[i]);
                must(n > 0 && (size_t)n < cap - len);
                len += (size_t)n;
        }
}

/* Members of the words, with the names that stand for lists put in. */
static void add_members(const struct draft *d, json_t *shorthand, const json_t *members)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)members, key, value)
        {
                const char *text = json_string_value(value);

                if (strcmp(text, "@channels") == 0)
                        text = d->channels;
                else if (strcmp(text, "@intervals") == 0)
                        text = d->intervals;
                set(shorthand, key, json_string(text));
        }
}

/* A message of the name; takes over payload. */
static void add_message(struct draft *d, const char *name, const char *summary, json_t *payload)
{
        must(!json_object_get(d->messages, name));
        part_ref(payload);
        use_all(d, payload);
        set(d->messages, name,
            json_pack("{s:s, s:s, s:s, s:o}", "name", name, "title", name, "summary", summary,
                      "payload", payload));
}

static json_t *expanded(json_t *shorthand)
{
        json_t *schema = openapi_schema_expand(shorthand, NULL);

        json_decref(shorthand);
        return schema;
}

static json_t *of_socket(const char *message)
{
        return ref_of("channels/socket/messages", message);
}

static void add_operation(struct draft *d, const char *name, const char *action,
                          const char *summary, json_t *messages, json_t *replies)
{
        json_t *operation =
                json_pack("{s:s, s:s, s:o, s:o}", "action", action, "summary", summary, "channel",
                          ref_of("channels", "socket"), "messages", messages);

        if (replies)
                set(operation, "reply",
                    json_pack("{s:o, s:o}", "channel", ref_of("channels", "socket"), "messages",
                              replies));
        must(!json_object_get(d->operations, name));
        set(d->operations, name, operation);
}

/* --- what the gateway says --- */

static struct openapi_route route_of(const char *text)
{
        const char *path = strchr(text, ' ');
        enum http_method method = METHOD_GET;
        size_t len;

        must(path != NULL);
        len = (size_t)(path - text);
        while (strlen(http_method_name(method)) != len ||
               strncmp(text, http_method_name(method), len) != 0) {
                must(method != METHOD_HEAD);
                method = (enum http_method)(method + 1);
        }
        return openapi_build_route(method, path + 1);
}

static json_t *frame_of_stream(const struct draft *d, const char *type, const char *channel,
                               const json_t *stream, const char *data)
{
        const char *subject = text_of(stream, "subject");
        json_t *shorthand = json_pack("{s:s, s:s}", "type", type, "channel", channel);

        if (strncmp(subject, "symbol", 6) == 0)
                set(shorthand, "symbol", json_string("text"));
        if (strcmp(subject, "symbol, interval") == 0)
                set(shorthand, "interval", json_string(d->intervals));
        set(shorthand, "epoch", json_string("text"));
        set(shorthand, "seq", json_string("integer"));
        set(shorthand, "at", json_string("time"));
        set(shorthand, "data", json_string(data));
        return expanded(shorthand);
}

static void add_stream(struct draft *d, const char *channel, const json_t *stream)
{
        const char *route = text_of(stream, "route"), *change = text_of(stream, "change");
        const char *whole = route ? route_of(route).answer : text_of(stream, "data");
        char snapshot[NAME_MAX_], update[NAME_MAX_];
        int n = snprintf(snapshot, sizeof snapshot, "%s.snapshot", channel);
        int m = snprintf(update, sizeof update, "%s.update", channel);

        must(n > 0 && (size_t)n < sizeof snapshot && m > 0 && (size_t)m < sizeof update);
        add_message(d, snapshot, text_of(stream, "summary"),
                    frame_of_stream(d, "snapshot", channel, stream, whole));
        add_message(d, update, text_of(stream, "update"),
                    frame_of_stream(d, "update", channel, stream, change ? change : whole));
        add_operation(
                d, channel, "send", text_of(stream, "summary"),
                json_pack("[o, o, o]", of_socket(snapshot), of_socket(update), of_socket("gap")),
                NULL);
        set(json_object_get(d->operations, channel), "x-kind",
            json_string(text_of(stream, "kind")));
        set(json_object_get(d->operations, channel), "x-subject",
            json_string(text_of(stream, "subject")));
}

static void add_type(struct draft *d, const char *type, const json_t *words)
{
        json_t *shorthand = json_pack("{s:s}", "type", type);

        add_members(d, shorthand, json_object_get(words, "members"));
        add_message(d, type, text_of(words, "summary"), expanded(shorthand));
        if (json_is_true(json_object_get(words, "pushed")))
                add_operation(d, type, "send", text_of(words, "summary"),
                              json_pack("[o]", of_socket(type)), NULL);
}

/* --- what clients say --- */

static json_t *frame_of_op(const struct draft *d, const char *op, const json_t *members)
{
        json_t *shorthand = json_pack("{s:s, s:s}", "op", op, "id?", "FrameId");

        add_members(d, shorthand, members);
        return shorthand;
}

/* One form of the frame for each kind of subject. */
static json_t *frames_of_subjects(const struct draft *d, const char *op, const json_t *more)
{
        static const struct {
                const char *subject;
                bool has_symbol, has_interval;
        } kinds[] = {{"none", false, false},
                     {"account", false, false},
                     {"symbol", true, false},
                     {"symbol, interval", true, true}};
        json_t *forms = json_array();
        char names[sizeof d->channels];

        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
                json_t *shorthand = frame_of_op(d, op, NULL);

                join_names(d, kinds[i].subject, names, sizeof names);
                set(shorthand, "channel", json_string(names));
                if (kinds[i].has_symbol)
                        set(shorthand, "symbol", json_string("text"));
                if (kinds[i].has_interval)
                        set(shorthand, "interval", json_string(d->intervals));
                add_members(d, shorthand, more);
                must(json_array_append_new(forms, expanded(shorthand)) == 0);
        }
        return json_pack("{s:o}", "anyOf", forms);
}

/* The answer of a route, or of two, as the shorthand has it. */
static const char *data_of(const json_t *words, char out[NAME_MAX_])
{
        const char * or = text_of(words, "or");
        int n = snprintf(out, NAME_MAX_, "%s%s%s", route_of(text_of(words, "route")).answer,
                         or ? "|" : "", or ? route_of(or).answer : "");

        must(n > 0 && n < NAME_MAX_);
        return out;
}

/* An operation of HTTP: its body in a frame, its answer in another. */
static void add_call(struct draft *d, const char *op, const json_t *words)
{
        const char *body = route_of(text_of(words, "route")).body;
        json_t *shorthand = frame_of_op(d, op, json_object_get(words, "members")), *result;
        char data[NAME_MAX_], name[NAME_MAX_];
        int n = snprintf(name, sizeof name, "%s.result", op);

        must(n > 0 && (size_t)n < sizeof name);
        if (body)
                set(shorthand, "body", json_string(body));
        set(shorthand, "idempotencyKey?",
            json_string("text: as the header Idempotency-Key of HTTP"));
        add_message(d, op, text_of(words, "summary"), expanded(shorthand));
        result = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "result", "id?", "FrameId",
                           "op", op, "status", "integer: HTTP's, below 400", "data",
                           data_of(words, data), "replayed", "boolean");
        add_message(d, name, "It is done", expanded(result));
        add_operation(d, op, "receive", text_of(words, "summary"), json_pack("[o]", of_socket(op)),
                      json_pack("[o, o]", of_socket(name), of_socket("error")));
}

static void add_op(struct draft *d, const char *op, const json_t *words)
{
        const json_t *subjects = json_object_get(words, "subjects");
        const char *reply = json_string_value(json_array_get(json_object_get(words, "replies"), 0));

        if (text_of(words, "route")) {
                add_call(d, op, words);
                return;
        }
        add_message(d, op, text_of(words, "summary"),
                    subjects ? frames_of_subjects(d, op, subjects)
                             : expanded(frame_of_op(d, op, json_object_get(words, "members"))));
        add_operation(d, op, "receive", text_of(words, "summary"), json_pack("[o]", of_socket(op)),
                      json_pack("[o, o]", of_socket(reply), of_socket("error")));
}

/* --- the document --- */

static void each(struct draft *d, const char *kind,
                 void (*add)(struct draft *d, const char *name, const json_t *words))
{
        const char *name;
        json_t *words;

        json_object_foreach(json_object_get(d->words, kind), name, words)
        {
                add(d, name, words);
        }
}

/* Schemas of the API, those of frames alone, and a problem that belongs to no request of HTTP. */
static json_t *all_schemas(const json_t *parts, const json_t *words)
{
        json_t *all = openapi_build_schemas(parts), *problem, *required, *shorthand;
        const char *name;
        size_t i = 0;

        json_object_foreach(json_object_get(words, "schemas"), name, shorthand)
        {
                must(!json_object_get(all, name));
                set(all, name, openapi_schema_expand(shorthand, NULL));
        }
        problem = json_deep_copy(json_object_get(all, "Problem"));
        required = json_object_get(problem, "required");
        while (strcmp(json_string_value(json_array_get(required, i)), "requestId") != 0)
                i++;
        must(json_array_remove(required, i) == 0);
        set(all, "StreamProblem", problem);
        return all;
}

static json_t *socket_of(const struct draft *d)
{
        json_t *socket = json_deep_copy(json_object_get(d->words, "socket"));
        json_t *messages = json_object(), *message;
        const char *name;

        json_object_foreach(d->messages, name, message)
        {
                set(messages, name, ref_of("components/messages", name));
        }
        set(socket, "address", json_string("/v1/ws"));
        set(socket, "messages", messages);
        set(socket, "bindings", json_pack("{s:{s:s}}", "ws", "method", "GET"));
        set(socket, "x-close-codes", json_deep_copy(json_object_get(d->words, "codes")));
        return socket;
}

char *asyncapi_build(void)
{
        json_t *parts = openapi_build_parts();
        struct draft d = {.words = json_object_get(parts, "asyncapi"),
                          .used = json_object(),
                          .messages = json_object(),
                          .operations = json_object()};
        json_t *schemas = all_schemas(parts, d.words);
        json_t *document = json_deep_copy(json_object_get(d.words, "document"));
        char *text;

        d.schemas = schemas;
        join_names(&d, NULL, d.channels, sizeof d.channels);
        join_intervals(d.intervals, sizeof d.intervals);
        each(&d, "types", add_type);
        each(&d, "streams", add_stream);
        each(&d, "ops", add_op);
        set(document, "channels", json_pack("{s:o}", "socket", socket_of(&d)));
        set(document, "operations", d.operations);
        set(document, "components",
            json_pack("{s:o, s:o}", "messages", d.messages, "schemas", d.used));
        text = json_dumps(document, JSON_COMPACT);
        must(text != NULL);
        json_decref(document);
        json_decref(schemas);
        json_decref(parts);
        return text;
}
