/* Heap sort: what the compiler's trace compiles. No header, so that the trace is the compiler's
 * work on these lines and not on the C library's declarations. */
static void swap(long *a, long *b)
{
    long t = *a;
    *a = *b;
    *b = t;
}

static void sift_down(long *heap, unsigned long at, unsigned long n)
{
    for (;;) {
        unsigned long child = 2 * at + 1;
        if (child >= n)
            return;
        if (child + 1 < n && heap[child + 1] > heap[child])
            child++;
        if (heap[at] >= heap[child])
            return;
        swap(&heap[at], &heap[child]);
        at = child;
    }
}

void heap_sort(long *values, unsigned long n)
{
    for (unsigned long i = n / 2; i-- > 0;)
        sift_down(values, i, n);
    while (n > 1) {
        n--;
        swap(&values[0], &values[n]);
        sift_down(values, 0, n);
    }
}
