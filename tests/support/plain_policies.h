/* The policies once more, straight from their definitions: a list of the pages in memory and loops
 * over it, one reference at a time, nothing kept that the definition does not name. sim/ is held to
 * these, victim by victim. At most PLAIN_FRAMES frames, for every step may look at all of them.
 */
#ifndef TIDE_TESTS_PLAIN_POLICIES_H
#define TIDE_TESTS_PLAIN_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "policy_driver.h"

enum {
    PLAIN_FRAMES = 64,
    PLAIN_REMEMBERED = 4096,
    PLAIN_PAGES = 512,
    PLAIN_K = 16,
    PLAIN_VISITS = 4096
};

struct plain_page {
    tide_page page;
    bool r, m;
    uint64_t last;    /* time of last reference */
    uint64_t count;   /* references */
    uint64_t shifted; /* aging's shift register */
    uint64_t next_use;
    uint64_t since;                    /* lrfu: time of loading; wsclock: last use noticed */
    bool demoted, is_new, spared;      /* cacheus; freebsd */
    uint64_t belongs, stands, arrived; /* mglru */
};

/* Pages in an order, oldest first; with or without a frame. */
struct plain_list {
    tide_page pages[PLAIN_PAGES];
    size_t n;
};

/* lru-k: LAST and HIST(1..k) of a page that was ever referenced. */
struct plain_history {
    tide_page page;
    uint64_t last, hist[PLAIN_K + 1];
};

/* clock-pro: a place in the clock. */
struct plain_node {
    tide_page page;
    bool hot, test, resident;
};

/* lrfu: a reference. */
struct plain_visit {
    tide_page page;
    uint64_t time;
};

/* lecar, cacheus: an evicted page. */
struct plain_ghost {
    tide_page page;
    uint64_t count, time;
    bool is_new;
};

struct plain {
    const struct plain_rules *rules;
    size_t frames, n;
    struct plain_page list[PLAIN_FRAMES]; /* in order of loading; rings: the hand is at list[0] */
    uint64_t now;
    struct tide_rng rng;
    /* options */
    uint64_t tick, bits, cap, initial, initial_bit;
    bool persist;
    /* random, nru: the pages that a draw counts through, by class last seen */
    tide_page pools[4][PLAIN_FRAMES];
    size_t n_pools[4];
    /* lfu with persist: counts of evicted pages */
    struct plain_page remembered[PLAIN_REMEMBERED];
    size_t n_remembered;
    /* policies of several lists; what each stands for, plain_policies_2.c says */
    struct plain_list lists[4];
    size_t sizes[3]; /* of segments and ghost lists */
    bool variant, returns;
    double target;    /* arc, car */
    tide_page chosen; /* arc, car: the page replaced; sieve: at the hand; lirs: referenced last */
    struct plain_history histories[PLAIN_PAGES];
    size_t n_histories;
    uint64_t k, crp, retain, promote;
    unsigned sketch[16][4][16]; /* w-tinylfu */
    uint64_t lines, seed, increments;
    /* clock-pro: the hot hand is at clock[0] */
    struct plain_node clock[PLAIN_PAGES];
    size_t n_clock;
    tide_page cold_hand, test_hand;
    /* plain_policies_3.c: lrfu; */
    double lambda;
    struct plain_visit visits[PLAIN_VISITS];
    size_t n_visits;
    /* lecar, cacheus: what each of the two experts evicted, oldest first; the last one's number */
    struct plain_ghost ghosts[2][PLAIN_FRAMES];
    size_t n_ghosts[2];
    double weights[2], rate, discount;
    uint64_t incoming_count;
    int chose;
    /* cacheus */
    bool to_s, fills;
    double rate_reset, rate_now, rate_before, hit_ratio_before;
    uint64_t hits;
    int idle, worse;
    /* wsclock, freebsd, mglru */
    uint64_t tau, advance, decline, look_around, oldest, youngest, arrivals;
    bool clean_first;
};

/* Settings as for driver_open(). Aborts if there is no such policy. */
void plain_open(struct plain *p, const char *policy, const char *settings, size_t frames,
                uint64_t seed);
/* As driver_step(). */
bool plain_step(struct plain *p, const struct driver_step *step, tide_page *victim);

#endif
