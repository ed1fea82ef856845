#include "api/openapi_build.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "api/idempotency.h"
#include "api/openapi_names.h" /* generated from openapi/ */
#include "api/openapi_schema.h"
#include "api/route.h"
#include "api/tables.h"
#include "base/mem.h"
#include "base/num.h"

extern const char *const openapi_parts[]; /* openapi/, generated */

struct doc {
        const char *handler;
        const struct field_table *query, *body;
        const char *answer;
};

#define NONE         NULL
#define QUERY(table) &table
#define BODY(table)  &table
#define TABLE(name, table)
#define DOC(handler, query, body, answer)                                                          \
        _Static_assert(SCHEMA_##answer >= 0 && OPERATION_##handler >= 0, #handler);                \
        static const struct doc doc_##handler = {#handler, query, body, #answer};
#include "api/openapi.def"
#undef DOC
#undef TABLE

/* In the order of the router's rows; one without a DOC does not compile. */
static const struct doc *const docs[] = {
#define ROUTE(method, path, auth, risk, body, cost, handler) &doc_##handler,
#include "api/route.def"
#undef ROUTE
};

/* And what is described is a route, once. */
#define TABLE(name, table)
#define DOC(handler, query, body, answer) +1
enum {
        N_DOCS = 0
#include "api/openapi.def"
};
#undef DOC
#undef TABLE
_Static_assert(N_DOCS == sizeof docs / sizeof *docs, "a DOC without a route");
_Static_assert(N_DOCS == (int)OPERATIONS, "words about what is no route");

static const struct {
        const char *name;
        const struct field_table *table;
} tables[] = {
#define TABLE(name, table) {#name, &table},
#define DOC(handler, query, body, answer)
#include "api/openapi.def"
#undef DOC
#undef TABLE
};

static const struct {
        const char *wire;
        int status;
        const char *text;
} problems[] = {
#define ERR(constant, wire, status, retryable, text) [constant] = {wire, status, text},
#include "base/err.def"
#undef ERR
};
#define N_PROBLEMS (sizeof problems / sizeof *problems)

/* One operation while it is described. */
struct operation {
        const struct route *route;
        const struct doc *doc;
        const json_t *words;    /* of openapi/ about it */
        const json_t *answers;  /* by example, NULL where there are none */
        const json_t *all;      /* openapi/, merged */
        bool takes[N_PROBLEMS]; /* by enum errc */
};

static void set(json_t *object, const char *key, json_t *value)
{
        must(value != NULL && json_object_set_new(object, key, value) == 0);
}

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

/* --- examples: by name, in the parameters, the body and the answer that belong together --- */

/* What each example says under key, or under key and name: {"example": {"value": ...}}. */
static json_t *examples_of(const struct operation *op, const char *key, const char *name)
{
        json_t *found = json_object(), *example;
        const char *id;

        json_object_foreach(json_object_get(op->words, "examples"), id, example)
        {
                const json_t *value = json_object_get(example, key);
                if (value && name)
                        value = json_object_get(value, name);
                if (!value)
                        continue;
                json_t *entry = json_pack("{s:o}", "value", json_deep_copy(value));
                if (text_of(example, "summary"))
                        set(entry, "summary", json_string(text_of(example, "summary")));
                set(found, id, entry);
        }
        return found;
}

static int status_of(const json_t *example)
{
        const json_t *status = json_object_get(example, "status");

        return status ? (int)json_integer_value(status) : 200;
}

static json_t *answers_of(const struct operation *op, int status)
{
        json_t *found = json_object(), *example;
        const char *id;

        json_object_foreach(json_object_get(op->words, "examples"), id, example)
        {
                const json_t *answer = json_object_get(op->answers, id);
                if (status_of(example) != status || !answer)
                        continue;
                set(found, id, json_pack("{s:o}", "value", json_deep_copy(answer)));
        }
        return found;
}

static void set_examples(json_t *object, json_t *examples)
{
        if (json_object_size(examples))
                must(json_object_set(object, "examples", examples) == 0);
        json_decref(examples);
}

/* --- parameters --- */

static json_t *parameter(const struct operation *op, const char *name, const char *in,
                         bool required, json_t *schema, json_t *examples)
{
        const char *own = text_of(json_object_get(op->words, "parameters"), name);
        const char *common = text_of(json_object_get(op->all, "parameters"), name);
        json_t *p = json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", name, "in", in, "required",
                              required, "description",
                              own      ? own
                              : common ? common
                                       : name,
                              "schema", schema);

        set_examples(p, examples);
        return p;
}

static json_t *parameters(const struct operation *op)
{
        const char *open = strchr(op->route->path, '{');
        json_t *list = json_array();

        if (open) {
                char name[32];
                size_t n = strcspn(open + 1, "}");
                must(n < sizeof name);
                memcpy(name, open + 1, n);
                name[n] = '\0';
                must(json_array_append_new(list, parameter(op, name, "path", true,
                                                           json_pack("{s:s}", "type", "string"),
                                                           examples_of(op, "path", NULL))) == 0);
        }
        for (size_t i = 0; op->doc->query && i < op->doc->query->n; i++) {
                const struct field *f = &op->doc->query->field[i];
                must(json_array_append_new(list, parameter(op, f->name, "query", f->required,
                                                           openapi_schema_field(f),
                                                           examples_of(op, "query", f->name))) ==
                     0);
        }
        if (op->route->auth == ROUTE_SESSION)
                must(json_array_append_new(list, json_pack("{s:s}", "$ref",
                                                           "#/components/parameters/SubAccount")) ==
                     0);
        if (idempotency_covers(op->route))
                must(json_array_append_new(
                             list, json_pack("{s:s}", "$ref",
                                             "#/components/parameters/IdempotencyKey")) == 0);
        return list;
}

static const char *name_of(const struct field_table *table)
{
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
                if (tables[i].table == table)
                        return tables[i].name;
        never("field table");
}

static json_t *request_body(const struct operation *op)
{
        bool required = false;
        json_t *media = json_pack("{s:o}", "schema", openapi_schema_ref(name_of(op->doc->body)));

        for (size_t i = 0; i < op->doc->body->n; i++)
                required = required || op->doc->body->field[i].required;
        set_examples(media, examples_of(op, "body", NULL));
        return json_pack("{s:b, s:{s:o}}", "required", required, "content", "application/json",
                         media);
}

/* --- answers --- */

static json_t *headers(void)
{
        static const char *const names[] = {"X-Request-Id", "RateLimit-Limit",
                                            "RateLimit-Remaining", "RateLimit-Reset"};
        json_t *all = json_object();

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                char ref[64];
                snprintf(ref, sizeof ref, "#/components/headers/%s", names[i]);
                set(all, names[i], json_pack("{s:s}", "$ref", ref));
        }
        return all;
}

static json_t *answer(const struct operation *op, int status, const char *says)
{
        const char *type = text_of(op->words, "media");
        json_t *content = json_object();
        json_t *media = json_pack("{s:o}", "schema", openapi_schema_ref(op->doc->answer));

        set_examples(media, answers_of(op, status));
        set(content, type ? type : "application/json", media);
        if (json_is_true(json_object_get(op->words, "csv")))
                set(content, "text/csv", json_pack("{s:{s:s}}", "schema", "type", "string"));
        return json_pack("{s:s, s:o, s:o}", "description", says, "headers", headers(), "content",
                         content);
}

/* All problems of one status in one response: which codes it may carry. */
static json_t *problem(const struct operation *op, int status)
{
        json_t *codes = json_array(), *media;
        const char *only = NULL, *first = NULL;

        for (size_t i = 0; i < N_PROBLEMS; i++) {
                if (!op->takes[i] || problems[i].status != status)
                        continue;
                only = json_array_size(codes) ? "The code and the detail say what it was."
                                              : problems[i].text;
                if (first && strcmp(first, problems[i].wire) == 0)
                        continue;
                first = problems[i].wire;
                must(json_array_append_new(codes, json_string(first)) == 0);
        }
        media = json_pack("{s:{s:[o, {s:{s:{s:o}}}]}}", "schema", "allOf",
                          openapi_schema_ref("Problem"), "properties", "code", "enum", codes);
        set_examples(media, answers_of(op, status));
        return json_pack("{s:s, s:o, s:{s:o}}", "description", only, "headers", headers(),
                         "content", "application/problem+json", media);
}

static void take_problems(struct operation *op)
{
        const json_t *own = json_object_get(op->words, "codes");
        json_t *code;
        size_t at;

        op->takes[E_INVALID] = op->takes[E_RATE_LIMITED] = op->takes[E_INTERNAL] = true;
        op->takes[E_NOT_FOUND] = op->route->auth != ROUTE_ANY_HOST;
        if (route_is_private(op->route))
                op->takes[E_UNAUTHORIZED] = op->takes[E_FORBIDDEN] = true;
        if (op->route->auth == ROUTE_SESSION) /* whose a sub-account is, the venue is asked */
                op->takes[E_VENUE_UNAVAILABLE] = true;
        if (op->route->max_body_bytes)
                op->takes[E_LENGTH_REQUIRED] = op->takes[E_MEDIA_TYPE] = op->takes[E_TOO_LARGE] =
                        true;
        if (op->route->risk != ROUTE_READS)
                op->takes[E_HALTED] = true;
        if (op->route->risk == ROUTE_OPENS_RISK)
                op->takes[E_REGION_BLOCKED] = op->takes[E_ADDRESS_BLOCKED] = true;
        json_array_foreach((json_t *)(uintptr_t)own, at, code)
        {
                bool known = false;
                for (size_t i = 1; i < N_PROBLEMS; i++)
                        if (problems[i].wire &&
                            strcmp(problems[i].wire, json_string_value(code)) == 0)
                                known = op->takes[i] = true;
                must(known);
        }
}

static json_t *responses(struct operation *op)
{
        const json_t *also = json_object_get(op->words, "also");
        json_t *all = json_object(), *says;
        const char *status, *ok = text_of(op->words, "answer");
        char number[16];

        set(all, "200", answer(op, 200, ok ? ok : text_of(op->words, "summary")));
        json_object_foreach((json_t *)(uintptr_t)also, status, says)
        {
                int64_t code = 0;
                must(num_parse(&code, status, strlen(status), 0, NUM_REFUSE) == E_OK);
                set(all, status, answer(op, (int)code, json_string_value(says)));
        }
        take_problems(op);
        for (size_t i = 0; i < N_PROBLEMS; i++) {
                if (!op->takes[i])
                        continue;
                snprintf(number, sizeof number, "%d", problems[i].status);
                if (!json_object_get(all, number))
                        set(all, number, problem(op, problems[i].status));
        }
        return all;
}

/* --- operations --- */

static const char *risk_word(enum route_risk risk)
{
        switch (risk) {
        case ROUTE_READS: return "reads";
        case ROUTE_OPENS_RISK: return "opensRisk";
        case ROUTE_REDUCES_RISK: return "reducesRisk";
        case ROUTE_MOVES_FUNDS: return "movesFunds";
        }
        never("risk label");
}

static json_t *security(const struct route *r)
{
        json_t *ways = json_array();

        if (route_is_private(r))
                must(json_array_append_new(ways, json_pack("{s:[]}", "session")) == 0);
        if (r->auth == ROUTE_SESSION || r->auth == ROUTE_OWNER)
                must(json_array_append_new(ways, json_pack("{s:[], s:[], s:[]}", "apiKey",
                                                           "apiTimestamp", "apiSignature")) == 0);
        return ways;
}

static json_t *describe(struct operation *op)
{
        json_t *o = json_pack("{s:s, s:[s], s:s, s:s, s:i, s:o}", "operationId", op->doc->handler,
                              "tags", text_of(op->words, "tag"), "summary",
                              text_of(op->words, "summary"), "x-risk", risk_word(op->route->risk),
                              "x-cost", (int)op->route->cost, "security", security(op->route));
        json_t *list = parameters(op);

        must(o != NULL);
        if (text_of(op->words, "description"))
                set(o, "description", json_string(text_of(op->words, "description")));
        if (json_array_size(list))
                must(json_object_set(o, "parameters", list) == 0);
        json_decref(list);
        if (op->doc->body)
                set(o, "requestBody", request_body(op));
        set(o, "responses", responses(op));
        return o;
}

static json_t *paths(const json_t *all)
{
        json_t *paths = json_object();

        must(route_count() == sizeof docs / sizeof *docs);
        for (size_t i = 0; i < route_count(); i++) {
                struct operation op = {.route = route_at(i), .doc = docs[i], .all = all};
                const char *name = http_method_name(op.route->method);
                json_t *item = json_object_get(paths, op.route->path);
                char method[8];
                size_t n = strlen(name);

                must(n < sizeof method);
                for (size_t k = 0; k <= n; k++)
                        method[k] = (char)tolower((unsigned char)name[k]);
                op.words = json_object_get(json_object_get(all, "operations"), op.doc->handler);
                op.answers = json_object_get(json_object_get(all, "answers"), op.doc->handler);
                if (!item) {
                        item = json_object();
                        set(paths, op.route->path, item);
                }
                set(item, method, describe(&op));
        }
        return paths;
}

/* --- the document --- */

/* The schemas of the shorthand, of the handlers' tables, and those written out. */
json_t *openapi_build_schemas(const json_t *all)
{
        json_t *shorthand = json_object_get(all, "schemas"), *value;
        json_t *found = json_deep_copy(json_object_get(all, "raw"));
        const char *name;

        json_object_foreach(shorthand, name, value)
                set(found, name, openapi_schema_expand(value, shorthand));
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
                json_t *more = json_object_get(json_object_get(all, "tables"), tables[i].name);
                size_t n = strlen(tables[i].name);
                if (n > 5 && strcmp(tables[i].name + n - 5, "Query") == 0)
                        continue; /* a query has no schema of its own */
                json_t *schema = openapi_schema_table(tables[i].table);
                if (more)
                        must(json_object_update_recursive(schema, more) == 0);
                set(found, tables[i].name, schema);
        }
        return found;
}

json_t *openapi_build_parts(void)
{
        json_t *all = json_object();

        for (size_t i = 0; openapi_parts[i]; i++) {
                json_t *part = json_loads(openapi_parts[i], JSON_REJECT_DUPLICATES, NULL);
                must(part != NULL && json_object_update_recursive(all, part) == 0);
                json_decref(part);
        }
        return all;
}

struct openapi_route openapi_build_route(enum http_method method, const char *path)
{
        const struct route *route = route_by_pattern(method, path);
        size_t i = 0;

        while (route_at(i) != route)
                i++;
        return (struct openapi_route){.body = docs[i]->body ? name_of(docs[i]->body) : NULL,
                                      .answer = docs[i]->answer};
}

char *openapi_build(void)
{
        json_t *all = openapi_build_parts(), *document, *components;
        char *text;

        document = json_deep_copy(json_object_get(all, "document"));
        components = json_object_get(document, "components");
        set(components, "schemas", openapi_build_schemas(all));
        set(document, "paths", paths(all));
        text = json_dumps(document, JSON_COMPACT);
        must(text != NULL);
        json_decref(document);
        json_decref(all);
        return text;
}
