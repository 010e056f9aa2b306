/* From din text to DynamoRIO's drmemtrace records, for the peer that reads nothing else.
 *
 * Usage: drmemtrace <TRACE.din >TRACE.trace
 * din as `pagetide trace convert --to din` writes it: label (0 read, 1 write, 2 fetch), hexadecimal
 * address, hexadecimal size. A record is 12 bytes, little endian: type, size, address.
 *
 * Source: DynamoRIO, clients/drcachesim/common/trace_entry.h.
 */
#include <inttypes.h>
#include <stdio.h>

enum {
    READ = 0,
    WRITE = 1,
    INSTRUCTION = 10,
    THREAD = 22,
    THREAD_EXIT = 23,
    PID = 24,
    HEADER = 25,
    FOOTER = 26,
    MARKER = 28,
    MARKER_FILETYPE = 9,
    MARKER_VERSION = 12,
    VERSION = 3,
    FILETYPE_X86_64 = 0x40,
    TID = 1
};

static void put(unsigned type, unsigned size, uint64_t addr)
{
    unsigned char record[12] = {(unsigned char)type, (unsigned char)(type >> 8),
                                (unsigned char)size, (unsigned char)(size >> 8)};

    for (unsigned i = 0; i < 8; i++)
        record[4 + i] = (unsigned char)(addr >> 8 * i);
    fwrite(record, sizeof record, 1, stdout);
}

int main(void)
{
    static const unsigned types[] = {READ, WRITE, INSTRUCTION};
    unsigned label, size;
    uint64_t addr;

    put(HEADER, 0, VERSION);
    put(MARKER, MARKER_VERSION, VERSION);
    put(MARKER, MARKER_FILETYPE, FILETYPE_X86_64);
    put(THREAD, 4, TID);
    put(PID, 4, TID);
    while (scanf("%u %" SCNx64 " %x", &label, &addr, &size) == 3 && label < 3)
        put(types[label], size, addr);
    put(THREAD_EXIT, 4, TID);
    put(FOOTER, 0, 0);
    return ferror(stdin) || !feof(stdin) || fflush(stdout) != 0;
}
