/* options: the command line of perpgate. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
        bool demo;
        bool check;
        const char *config_file; /* borrowed from argv */
        const char *data_dir;    /* demo; NULL: a temporary folder */
        uint16_t http_port, paper_port;
        uint64_t seed;
};

/* 0, or -1 after telling on standard error what is wrong. */
int options_read(struct options *options, int argc, char **argv);

#endif
