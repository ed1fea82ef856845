#include "brand/yaml_doc.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"

struct loader {
        yaml_parser_t parser;
        struct problem_sink *sink;
        unsigned n_nodes;
        bool is_broken; /* no further event is of use */
};

static unsigned line_of(yaml_mark_t mark)
{
        return (unsigned)mark.line + 1;
}

/* False when the document can't be read on; the reason has been told. */
static bool next_event(struct loader *l, yaml_event_t *event)
{
        if (yaml_parser_parse(&l->parser, event))
                return true;
        const char *what = l->parser.problem ? l->parser.problem : "not valid YAML";
        const char *context = l->parser.context ? l->parser.context : "";
        problem_add(l->sink, line_of(l->parser.problem_mark), "expected valid YAML: %s%s%s",
                    context, *context ? ", " : "", what);
        l->is_broken = true;
        return false;
}

static struct yaml_node *node_new(struct loader *l, enum yaml_node_kind kind, unsigned line)
{
        struct yaml_node *node = xcalloc(1, sizeof *node);

        node->kind = kind;
        node->line = line;
        l->n_nodes++;
        return node;
}

/* Everything in a document costs a node, so this bounds the tree and the work. */
static bool within_bounds(struct loader *l, unsigned line, unsigned depth)
{
        const char *what = NULL;

        if (l->n_nodes >= YAML_DOC_NODES_MAX)
                what = "fewer values in one file";
        else if (depth > YAML_DOC_DEPTH_MAX)
                what = "less nesting";
        if (!what)
                return true;
        problem_add(l->sink, line, "expected %s", what);
        l->is_broken = true;
        return false;
}

static bool is_bare(struct loader *l, const yaml_char_t *anchor, const yaml_char_t *tag,
                    unsigned line)
{
        if (anchor)
                problem_add(l->sink, line,
                            "expected no anchor (&name): write the value where it is used");
        if (tag)
                problem_add(l->sink, line, "expected no tag (!type)");
        return !anchor && !tag;
}

static void push_child(struct yaml_node *parent, struct yaml_node *key, struct yaml_node *child)
{
        if (parent->n == parent->cap) {
                parent->cap = parent->cap ? 2 * parent->cap : 8;
                parent->child = xrealloc(parent->child, parent->cap * sizeof(void *));
                if (parent->kind == NODE_MAP)
                        parent->key = xrealloc(parent->key, parent->cap * sizeof(void *));
        }
        if (key)
                parent->key[parent->n] = key;
        parent->child[parent->n++] = child;
}

static struct yaml_node *load_node(struct loader *l, yaml_event_t *event, unsigned depth);

static struct yaml_node *load_scalar(struct loader *l, const yaml_event_t *event)
{
        unsigned line = line_of(event->start_mark);
        struct yaml_node *node = node_new(l, NODE_SCALAR, line);
        const char *text = (const char *)event->data.scalar.value;
        size_t len = event->data.scalar.length;

        if (!is_bare(l, event->data.scalar.anchor, event->data.scalar.tag, line))
                node->kind = NODE_BAD;
        if (len > YAML_DOC_TEXT_MAX) {
                problem_add(l->sink, line, "expected a text of at most %d bytes",
                            YAML_DOC_TEXT_MAX);
                node->kind = NODE_BAD;
        }
        /* A NUL would end the text for everybody behind us: "admin\0.example". */
        if (memchr(text, '\0', len)) {
                problem_add(l->sink, line, "expected a text without NUL");
                node->kind = NODE_BAD;
        }
        node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        node->text = xstrndup(text, len <= YAML_DOC_TEXT_MAX ? len : 0);
        return node;
}

/* The children of a list, or the keys and values of a map, up to its end. */
static void load_children(struct loader *l, struct yaml_node *parent, unsigned depth)
{
        yaml_event_type_t end =
                parent->kind == NODE_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
        struct yaml_node *key = NULL;

        while (!l->is_broken) {
                yaml_event_t event;
                if (!next_event(l, &event))
                        break;
                bool at_end = event.type == end;
                struct yaml_node *node = at_end ? NULL : load_node(l, &event, depth + 1);
                yaml_event_delete(&event);
                if (!node)
                        break;
                if (parent->kind == NODE_LIST) {
                        push_child(parent, NULL, node);
                } else if (!key) {
                        key = node;
                } else {
                        push_child(parent, key, node);
                        key = NULL;
                }
        }
        yaml_doc_free(key);
}

/* Quadratic, over the few keys a person writes; the bound on nodes caps it. */
static void check_keys(struct loader *l, struct yaml_node *map)
{
        for (size_t i = 0; i < map->n; i++) {
                const struct yaml_node *key = map->key[i];
                if (key->kind == NODE_BAD)
                        continue;
                if (key->kind != NODE_SCALAR) {
                        problem_add(l->sink, key->line, "expected a word as key");
                        continue;
                }
                for (size_t j = 0; j < i; j++) {
                        if (map->key[j]->kind != NODE_SCALAR ||
                            strcmp(map->key[j]->text, key->text) != 0)
                                continue;
                        problem_add(l->sink, key->line,
                                    "expected the key \"%.60s\" once: it is on line %u already",
                                    key->text, map->key[j]->line);
                        break;
                }
        }
}

static struct yaml_node *load_collection(struct loader *l, const yaml_event_t *event,
                                         unsigned depth)
{
        bool is_map = event->type == YAML_MAPPING_START_EVENT;
        unsigned line = line_of(event->start_mark);
        struct yaml_node *node = node_new(l, is_map ? NODE_MAP : NODE_LIST, line);
        bool bare = is_map ? is_bare(l, event->data.mapping_start.anchor,
                                     event->data.mapping_start.tag, line)
                           : is_bare(l, event->data.sequence_start.anchor,
                                     event->data.sequence_start.tag, line);

        load_children(l, node, depth);
        if (is_map)
                check_keys(l, node);
        if (!bare)
                node->kind = NODE_BAD;
        return node;
}

/* NULL once the document is broken. The event stays the caller's. */
static struct yaml_node *load_node(struct loader *l, yaml_event_t *event, unsigned depth)
{
        unsigned line = line_of(event->start_mark);

        if (!within_bounds(l, line, depth))
                return NULL;
        if (event->type == YAML_SCALAR_EVENT)
                return load_scalar(l, event);
        if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT)
                return load_collection(l, event, depth);
        if (event->type == YAML_ALIAS_EVENT) {
                problem_add(l->sink, line, "expected no alias (*name): write the value out");
                return node_new(l, NODE_BAD, line);
        }
        problem_add(l->sink, line, "expected a value");
        l->is_broken = true;
        return NULL;
}

/* Reads events up to the first of a node or to the end of the stream; false where broken. */
static bool skip_to_content(struct loader *l, yaml_event_t *event)
{
        while (next_event(l, event)) {
                bool is_frame = event->type == YAML_STREAM_START_EVENT ||
                                event->type == YAML_DOCUMENT_START_EVENT ||
                                event->type == YAML_DOCUMENT_END_EVENT;
                if (!is_frame)
                        return true;
                yaml_event_delete(event);
        }
        return false;
}

static struct yaml_node *load_document(struct loader *l)
{
        struct yaml_node *root = NULL;
        yaml_event_t event;

        if (!skip_to_content(l, &event))
                return NULL;
        if (event.type == YAML_STREAM_END_EVENT)
                root = node_new(l, NODE_MAP, 1);
        else
                root = load_node(l, &event, 0);
        bool ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (ended || l->is_broken || !skip_to_content(l, &event))
                return root;
        if (event.type != YAML_STREAM_END_EVENT)
                problem_add(l->sink, line_of(event.start_mark), "expected one YAML document");
        yaml_event_delete(&event);
        return root;
}

struct yaml_node *yaml_doc_parse(const void *text, size_t len, struct problem_sink *sink)
{
        struct loader l = {.sink = sink};

        if (len > YAML_DOC_BYTES_MAX) {
                problem_add(sink, 0, "expected at most %zu bytes", YAML_DOC_BYTES_MAX);
                return NULL;
        }
        must(yaml_parser_initialize(&l.parser));
        yaml_parser_set_input_string(&l.parser, text, len);
        struct yaml_node *root = load_document(&l);
        yaml_parser_delete(&l.parser);
        if (!l.is_broken)
                return root;
        yaml_doc_free(root);
        return NULL;
}

/* Recursion is bounded by YAML_DOC_DEPTH_MAX. */
void yaml_doc_free(struct yaml_node *node)
{
        if (!node)
                return;
        for (size_t i = 0; i < node->n; i++) {
                if (node->key)
                        yaml_doc_free(node->key[i]);
                yaml_doc_free(node->child[i]);
        }
        free(node->key);
        free(node->child);
        free(node->text);
        free(node);
}

static const struct yaml_node *get_n(const struct yaml_node *map, const char *key, size_t len)
{
        if (!map || map->kind != NODE_MAP)
                return NULL;
        for (size_t i = 0; i < map->n; i++) {
                const struct yaml_node *k = map->key[i];
                if (k->kind == NODE_SCALAR && strlen(k->text) == len &&
                    memcmp(k->text, key, len) == 0)
                        return map->child[i];
        }
        return NULL;
}

const struct yaml_node *yaml_doc_get(const struct yaml_node *map, const char *key)
{
        return get_n(map, key, strlen(key));
}

unsigned yaml_doc_line(const struct yaml_node *root, const char *path)
{
        unsigned line = root ? root->line : 0;

        while (root && *path) {
                size_t len = strcspn(path, ".");
                root = get_n(root, path, len);
                if (root)
                        line = root->line;
                path += len;
                if (*path == '.')
                        path++;
        }
        return line;
}
