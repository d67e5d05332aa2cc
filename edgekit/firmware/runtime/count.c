/* Called by the emulator before each block of code: how often did it run, in which part of the program, and
 * was it reached by a branch? In C because a Python function costs a microsecond and a block ten nanoseconds.
 * The layout of both structs is repeated in count.py. */
#include <stdint.h>

struct entry {
  uint32_t address, size, part, unused;
  uint64_t times;
};

struct state {
  const uint16_t *begins; /* for each halfword of the code: the part that begins there + 1, or 0 */
  struct entry *table;    /* open addressing */
  uint64_t *taken;        /* for each part */
  int (*stop)(void *emulator);
  uint64_t bytes, limit; /* stops once more than `limit` bytes of code were executed */
  uint32_t base, halfwords, mask, used, part, after;
  uint32_t last, again; /* the block that was reported last; 1: it did not run and is reported again */
};

#if defined(_WIN32)
__declspec(dllexport)
#endif
void edgekit_count(void *emulator, uint64_t address, uint32_t size, void *user) {
  struct state *const s = user;
  const uint32_t a = (uint32_t)address, at = (a - s->base) >> 1;
  const uint32_t again = s->again;
  s->again = 0;
  if (again && a == s->last) return;
  s->last = a;
  if (at < s->halfwords && s->begins[at]) s->part = s->begins[at] - 1u;
  s->taken[s->part] += a != s->after;
  s->after = a + size;
  s->bytes += size;
  uint32_t i = (a >> 1) * 2654435761u ^ size * 40503u ^ s->part * 2246822519u;
  struct entry *e;
  for (i ^= i >> 15;; i++) {
    e = &s->table[i & s->mask];
    if (!e->times || (e->address == a && e->size == size && e->part == s->part)) break;
  }
  if (!e->times++) {
    e->address = a;
    e->size = size;
    e->part = s->part;
    s->used++;
  }
  if (s->bytes > s->limit || s->used > s->mask / 2) s->stop(emulator);
}
