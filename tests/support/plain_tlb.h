/* TLBs straight from the definitions, to hold the fast ones against: lists and arrays, no tricks.
 *
 *   1. A fetch goes to the instruction array of level 1, a read or write to the data array; only a
 *      miss goes on to the next level. Every array that missed is filled. No inclusion, no
 *      back-invalidation.
 *   2. set = vpn mod sets, sets = entries / ways; tag = process and vpn.
 *   3. Victim: the invalid way with the lowest index, else by policy: LRU exact; FIFO by order of
 *      filling; LFU by a count, 1 when filled, +1 a hit, ties to the lowest way, no ageing; random
 *      by one draw from the array's stream; PLRU by a binary tree whose nodes say which half was
 *      used last.
 *   4. Compulsory: the first fill of a page in an array.
 */
#ifndef PLAIN_TLB_H
#define PLAIN_TLB_H

#include "tlb/tlb.h"

struct plain_entry {
    bool valid;
    unsigned process;
    uint64_t vpn;
    uint32_t frame;
    uint64_t last_use, filled, count;
};

struct plain_page {
    unsigned process;
    uint64_t vpn;
};

struct plain_array {
    unsigned sets, ways;
    enum tide_tlb_kind kind;
    struct plain_entry **set;  /* set[s][way] */
    bool **right_used_last;    /* plru: [s][node], node 1 the root, 2n and 2n+1 below n */
    struct plain_page *filled; /* every page that has been in it, in any order */
    size_t n_filled, cap_filled;
    struct tide_rng rng;
    struct tide_tlb_array_stats stats;
};

struct plain_tlb {
    struct tide_tlb_config config;
    unsigned page_shift;
    uint64_t now;
    struct plain_array arrays[TIDE_TLB_MAX_ARRAYS];
};

void plain_tlb_init(struct plain_tlb *t, const struct tide_tlb_config *c, unsigned page_shift,
                    uint64_t seed);
void plain_tlb_fini(struct plain_tlb *t);
/* One reference, filled with `frame` where it misses. The level of the hit (0 = first), or -1;
 * on a hit *hit_frame is what the entry maps to. */
int plain_tlb_reference(struct plain_tlb *t, enum tide_side side, unsigned process, uint64_t vpn,
                        uint32_t frame, uint32_t *hit_frame);
void plain_tlb_invalidate(struct plain_tlb *t, unsigned process, uint64_t vpn);
void plain_tlb_flush_process(struct plain_tlb *t, unsigned process);
/* The page is unmapped: what follows counts as new. */
void plain_tlb_forget(struct plain_tlb *t, unsigned process, uint64_t vpn);

#endif
