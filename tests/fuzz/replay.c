/* replay: runs a fuzz target over the files of a folder, so that every past input is an ordinary
 * test. Usage: fuzz_NAME FOLDER|FILE... */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned n_run;

static void run_file(const char *path)
{
        static uint8_t data[1 << 20];
        FILE *f = fopen(path, "rb");

        if (!f) {
                perror(path);
                exit(1);
        }
        size_t len = fread(data, 1, sizeof data, f);
        fclose(f);
        /* An exact copy, so that a read past the end is seen. */
        uint8_t *copy = malloc(len + 1);
        for (size_t i = 0; i < len; i++)
                copy[i] = data[i];
        LLVMFuzzerTestOneInput(copy, len);
        free(copy);
        n_run++;
}

static void run_path(const char *path)
{
        struct stat st;

        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
                DIR *dir = opendir(path);
                for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
                        char child[4096];
                        if (e->d_name[0] == '.')
                                continue;
                        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
                        run_path(child);
                }
                closedir(dir);
                return;
        }
        run_file(path);
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                run_path(argv[i]);
        printf("%u inputs\n", n_run);
        return n_run ? 0 : 1;
}
