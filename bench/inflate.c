/* Inflates a .gz file with zlib and does nothing else: what the speed of replays is held against.
 *
 * Usage: inflate FILE
 * All members, checksums included; the content is thrown away, and its length printed. Exit code:
 * 0, or 1 if the file can't be read or is damaged.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { IN_BYTES = 64 * 1024, OUT_BYTES = 256 * 1024 };

static unsigned char in[IN_BYTES], out[OUT_BYTES];

/* What is in the buffer. Returns Z_OK, or what zlib says is wrong. */
static int take(z_stream *z, unsigned long long *bytes, int *inside)
{
    while (z->avail_in > 0) {
        int rc;

        if (!*inside && (rc = inflateReset(z)) != Z_OK)
            return rc;
        *inside = 1;
        z->next_out = out;
        z->avail_out = OUT_BYTES;
        rc = inflate(z, Z_NO_FLUSH);
        *bytes += OUT_BYTES - z->avail_out;
        if (rc == Z_STREAM_END)
            *inside = 0;
        else if (rc != Z_OK)
            return rc;
    }
    return Z_OK;
}

int main(int argc, char **argv)
{
    z_stream z = {0};
    unsigned long long bytes = 0;
    int fd, inside = 0;
    ssize_t n = 0;

    if (argc != 2 || (fd = open(argv[1], O_RDONLY)) < 0) {
        fprintf(stderr, "usage: inflate FILE (which can be read)\n");
        return 1;
    }
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return 1;
    while ((n = read(fd, in, IN_BYTES)) > 0) {
        z.next_in = in;
        z.avail_in = (unsigned)n;
        if (take(&z, &bytes, &inside) != Z_OK) {
            fprintf(stderr, "inflate: %s: damaged\n", argv[1]);
            return 1;
        }
    }
    if (n < 0 || inside) {
        fprintf(stderr, "inflate: %s: cut short\n", argv[1]);
        return 1;
    }
    inflateEnd(&z);
    close(fd);
    printf("%llu\n", bytes);
    return 0;
}
