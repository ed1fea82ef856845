#include "brand/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "brand/brand_load.h"
#include "brand/check.h"
#include "brand/config_parse.h"
#include "brand/config_read.h"
#include "brand/file.h"
#include "brand/yaml_doc.h"

static void check_listeners(struct problem_sink *sink, const struct yaml_node *root,
                            const struct config_reading *r)
{
        const struct config_listener *pub = &r->config.public_listener;
        const struct config_listener *admin = &r->config.admin_listener;

        if (!r->allow_remote_admin && *admin->address && !check_loopback(admin->address))
                problem_add(sink, yaml_doc_line(root, "listen.admin.address"),
                            "listen.admin.address: expected a loopback address, since "
                            "listen.admin.allowRemote is not true");
        if (admin->port != 0 && admin->port == pub->port)
                problem_add(sink, yaml_doc_line(root, "listen.admin.port"),
                            "listen.admin.port: expected another port than listen.public.port");
        if (!*pub->tls_cert_file != !*pub->tls_key_file)
                problem_add(sink, yaml_doc_line(root, "listen.public"),
                            "listen.public: expected tlsCertFile and tlsKeyFile together");
        if (!*admin->tls_cert_file != !*admin->tls_key_file)
                problem_add(sink, yaml_doc_line(root, "listen.admin"),
                            "listen.admin: expected tlsCertFile and tlsKeyFile together");
}

/* Paper money and real signatures do not go together: what the paper venue is sent must be of no
 * use to anybody at the real one. */
static void check_venue(struct problem_sink *sink, const struct yaml_node *root,
                        struct config *config)
{
        if (config->venue.order_reserve > config->venue.weight_per_minute)
                problem_add(sink, yaml_doc_line(root, "venue.orderReserve"),
                            "venue.orderReserve: expected at most venue.weightPerMinute");
        if (config->venue.node.accounts_per_read && !*config->venue.node.info_url)
                problem_add(sink, yaml_doc_line(root, "venue.node.accountsPerRead"),
                            "venue.node.accountsPerRead: expected venue.node.infoUrl with it");
        if (config->paper.enabled && strcmp(config->venue.network, "mainnet") == 0)
                problem_add(sink, yaml_doc_line(root, "venue.network"),
                            "venue.network: expected testnet with the paper venue");
        if (config->paper.enabled && *config->venue.base_url)
                problem_add(sink, yaml_doc_line(root, "venue.baseUrl"),
                            "venue.baseUrl: expected nothing with paper.enabled: true, which "
                            "sets it");
        if (!config->paper.enabled && !*config->venue.base_url)
                problem_add(sink, yaml_doc_line(root, "venue"),
                            "venue.baseUrl: expected the venue's URL, or paper.enabled: true");
        if (*config->paper.replay_file && *config->paper.live_url)
                problem_add(sink, yaml_doc_line(root, "paper.liveUrl"),
                            "paper.liveUrl: expected nothing with paper.replayFile");
        if (config->paper.enabled && config->paper.port > 0)
                snprintf(config->venue.base_url, sizeof config->venue.base_url,
                         "http://127.0.0.1:%u", config->paper.port);
}

struct file_setting {
        const char *path; /* of the key */
        char *value;
        size_t cap;
        bool must_exist;
};

/* Makes paths relative to the configuration's folder, and looks whether what is read later is
 * there: better now than in the middle of a reload. */
static void check_files(struct problem_sink *sink, const struct yaml_node *root, const char *folder,
                        struct config *c)
{
        struct file_setting files[] = {
                {"listen.public.tlsCertFile", c->public_listener.tls_cert_file, 256, true},
                {"listen.public.tlsKeyFile", c->public_listener.tls_key_file, 256, true},
                {"listen.admin.tlsCertFile", c->admin_listener.tls_cert_file, 256, true},
                {"listen.admin.tlsKeyFile", c->admin_listener.tls_key_file, 256, true},
                {"venue.caFile", c->venue.ca_file, sizeof c->venue.ca_file, true},
                {"paper.metaFile", c->paper.meta_file, sizeof c->paper.meta_file, true},
                {"paper.replayFile", c->paper.replay_file, sizeof c->paper.replay_file, true},
                {"paper.stateFile", c->paper.state_file, sizeof c->paper.state_file, false},
                {"store.dataDir", c->data_dir, sizeof c->data_dir, false},
                {"store.backupDir", c->backup.dir, sizeof c->backup.dir, false},
                {"keys.masterKeyFile", c->master_key_file, sizeof c->master_key_file, false},
        };

        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                struct file_setting *f = &files[i];
                unsigned line = yaml_doc_line(root, f->path);
                const char *why = NULL;
                char full[1024];
                if (!*f->value)
                        continue;
                if (!file_join(full, sizeof full, folder, f->value) || strlen(full) >= f->cap)
                        problem_add(sink, line, "%s: expected a shorter path", f->path);
                else if (f->must_exist && !file_is_readable(full, &why))
                        problem_add(sink, line, "%s: expected a readable file at \"%s\": %s",
                                    f->path, full, why);
                else
                        memcpy(f->value, full, strlen(full) + 1);
        }
}

/* Hosts and ids decide which brand a request belongs to: each may name one only. */
static void check_brand_pair(struct buf *problems, unsigned *n, const struct brand *a,
                             const struct brand_source *a_at, const struct brand *b,
                             const struct brand_source *b_at)
{
        struct problem_sink sink = {.file = b_at->file, .out = problems};

        if (strcmp(a->id, b->id) == 0)
                problem_add(&sink, 0, "expected another folder name: \"%s\" is %s already", b->id,
                            a_at->file);
        for (unsigned i = 0; i < b->n_hosts; i++)
                for (unsigned j = 0; j < a->n_hosts; j++)
                        if (strcmp(b->host[i], a->host[j]) == 0)
                                problem_add(&sink, b_at->host_line[i],
                                            "hosts: expected a host of its own: \"%s\" is at %s:%u",
                                            b->host[i], a_at->file, a_at->host_line[j]);
        *n += sink.n;
}

/* Loads every folder, and then compares those that could be read. Counts problems into *n. */
/* Every distance costs marks of every position: the gateway watches so many over all brands. */
static void check_bands(struct buf *problems, unsigned *n, const struct brand_set *set)
{
        struct rate known[BRAND_BANDS_MAX] = {{0}};
        unsigned n_known = 0;

        for (size_t i = 0; i < set->n; i++)
                for (unsigned k = 0; k < set->brand[i]->n_bands; k++) {
                        unsigned at = 0;
                        while (at < n_known && known[at].v != set->brand[i]->band[k].v)
                                at++;
                        if (at == BRAND_BANDS_MAX) {
                                buf_printf(problems,
                                           "brands: expected at most %d different "
                                           "alerts.liquidationDistances over all of them\n",
                                           BRAND_BANDS_MAX);
                                ++*n;
                                return;
                        }
                        known[at] = set->brand[i]->band[k];
                        n_known += at == n_known;
                }
}

static struct brand_set *load_brands(struct buf *problems, unsigned *n, const char *folder,
                                     char (*paths)[256], size_t n_paths)
{
        struct brand_source *source = xcalloc(n_paths + 1, sizeof *source);
        struct brand_set *set = xcalloc(1, sizeof *set);

        set->refs = 1;
        set->brand = xcalloc(n_paths + 1, sizeof *set->brand);
        for (size_t i = 0; i < n_paths; i++) {
                char full[512];
                struct brand *brand = NULL;
                if (file_join(full, sizeof full, folder, paths[i]))
                        brand = brand_load(full, &source[set->n], problems);
                if (!brand) {
                        ++*n;
                        continue;
                }
                for (size_t k = 0; k < set->n; k++)
                        check_brand_pair(problems, n, set->brand[k], &source[k], brand,
                                         &source[set->n]);
                set->brand[set->n++] = brand;
        }
        check_bands(problems, n, set);
        free(source);
        return set;
}

/* A country that nobody is trusted to name is never known. */
static void check_proxies(struct problem_sink *sink, const struct yaml_node *root,
                          const struct config *c, const struct brand_set *brands)
{
        for (size_t i = 0; i < brands->n && c->n_trusted_proxies == 0; i++)
                if (brands->brand[i]->region_header[0])
                        problem_add(sink, yaml_doc_line(root, "listen.trustedProxies"),
                                    "listen.trustedProxies: expected the proxy that sets %s, which "
                                    "decides on regions of the brand %s",
                                    brands->brand[i]->region_header, brands->brand[i]->id);
}

static struct config *config_new(const struct config_reading *reading, struct brand_set *brands)
{
        struct config *config = xmalloc(sizeof *config);

        *config = reading->config;
        config->brands = brands;
        return config;
}

struct config *config_parse(const char *file, const void *text, size_t len, struct buf *problems)
{
        struct problem_sink sink = {.file = file, .out = problems};
        struct config_reading *r = xcalloc(1, sizeof *r);
        struct yaml_node *root = NULL;
        struct config *config = NULL;
        char folder[256];

        if (!file_folder(folder, sizeof folder, file)) {
                problem_add(&sink, 0, "expected a shorter path");
                goto done;
        }
        root = yaml_doc_parse(text, len, &sink);
        if (!root)
                goto done;
        config_read(&sink, root, r);
        check_listeners(&sink, root, r);
        check_venue(&sink, root, &r->config);
        check_files(&sink, root, folder, &r->config);
        struct brand_set *brands =
                load_brands(problems, &sink.n, folder, r->brand_folder, r->n_brands);
        check_proxies(&sink, root, &r->config, brands);
        if (sink.n == 0)
                config = config_new(r, brands);
        else
                brand_set_unref(brands);
done:
        yaml_doc_free(root);
        free(r);
        return config;
}

struct config *config_load(const char *file, struct buf *problems)
{
        struct problem_sink sink = {.file = file, .out = problems};
        const char *why = NULL;
        size_t len = 0;
        uint8_t *text = file_read(file, YAML_DOC_BYTES_MAX, &len, &why);

        if (!text) {
                problem_add(&sink, 0, "expected a readable file: %s", why);
                return NULL;
        }
        struct config *config = config_parse(file, text, len, problems);
        free(text);
        return config;
}

/* What differs from a gateway that serves: everything on free local ports, and prices as fresh as a
 * venue in the same process can give them, since nobody counts its weight. */
static const char demo_text[] =
        "listen: {public: {port: 0}, admin: {port: 0}}\n"
        "venue: {weightPerMinute: 1000000, contextsEveryMs: 500, dexes: [xyz]}\n"
        "mirror: {pollWeightPerMinute: 100000, pollsAtOnce: 16, showMaxAgeMs: 0}\n"
        "paper: {enabled: true, port: 0}\n"
        "store: {dataDir: demo}\n"
        "brands: [meridian, harbor]\n";

static void demo_settings(struct problem_sink *sink, struct config_reading *r, const char *data_dir,
                          uint16_t http_port, uint16_t paper_port, uint64_t seed)
{
        struct config *c = &r->config;
        struct yaml_node *root = yaml_doc_parse(demo_text, sizeof demo_text - 1, sink);

        config_read(sink, root, r);
        yaml_doc_free(root);
        c->public_listener.port = http_port;
        c->paper.port = paper_port;
        c->paper.seed = seed;
        if (!text_copy(c->data_dir, sizeof c->data_dir, data_dir) ||
            !file_join(c->master_key_file, sizeof c->master_key_file, data_dir, "master.key"))
                problem_add(sink, 0, "expected a shorter data folder");
        if (paper_port > 0)
                snprintf(c->venue.base_url, sizeof c->venue.base_url, "http://127.0.0.1:%u",
                         paper_port);
}

struct config *config_demo(const char *data_dir, uint16_t http_port, uint16_t paper_port,
                           uint64_t seed, struct buf *problems)
{
        const char *share = getenv("PERPGATE_SHARE");
        struct problem_sink sink = {.file = "demo", .out = problems};
        struct config_reading *r = xcalloc(1, sizeof *r);
        struct config *config = NULL;
        char folder[512];

        demo_settings(&sink, r, data_dir, http_port, paper_port, seed);
        if (!file_join(folder, sizeof folder, share && *share ? share : PERPGATE_SHARE_DIR,
                       "branding"))
                problem_add(&sink, 0, "expected a shorter PERPGATE_SHARE");
        struct brand_set *brands = NULL;
        if (sink.n == 0)
                brands = load_brands(problems, &sink.n, folder, r->brand_folder, r->n_brands);
        if (sink.n == 0)
                config = config_new(r, brands);
        else
                brand_set_unref(brands);
        free(r);
        return config;
}

void config_free(struct config *config)
{
        if (!config)
                return;
        brand_set_unref(config->brands);
        free(config);
}
