/* Runs a fuzz target, without a fuzzer, over the files and folders that are its arguments; files
 * are also cut and have bytes flipped, in ways that depend on nothing but their content. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of its own length, so that a sanitizer sees a read past the end. */
static void run(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);

    if (copy == NULL)
        abort();
    for (size_t i = 0; i < n; i++)
        copy[i] = data[i];
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static int run_file(const char *path)
{
    enum { MOST = 64 * 1024, CHANGES = 64 };
    static uint8_t data[MOST];
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL) {
        perror(path);
        return 1;
    }
    n = fread(data, 1, MOST, f);
    fclose(f);
    run(data, n);
    for (size_t i = 0; i < CHANGES && n > 0; i++) {
        size_t at = i * n / CHANGES;

        run(data, at);
        data[at] ^= (uint8_t)(1u << i % 8);
        run(data, n);
        data[at] ^= (uint8_t)(1u << i % 8);
    }
    return 0;
}

static int run_folder(const char *path, unsigned *files)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort), failed = n < 0;

    if (failed)
        perror(path);
    for (int i = 0; i < n; i++) {
        char file[4096];

        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            failed |= run_file(file);
            ++*files;
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            failed |= run_folder(argv[i], &files);
        } else {
            failed |= run_file(argv[i]);
            files++;
        }
    }
    printf("%u files\n", files);
    return failed || files == 0;
}
