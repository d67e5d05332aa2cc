/* The update agent. All checks are elsewhere; here is their order. */
#include "agent.h"

#include "cbor.h"
#include "sha256.h"

int agent_start(struct agent *a, const struct device *device, const struct keys *trusted,
                uint32_t slot_sectors, int *trial) {
  a->device = *device;
  if (a->device.slot_bytes > slot_sectors * FLASH_SECTOR) a->device.slot_bytes = slot_sectors * FLASH_SECTOR;
  a->trusted = trusted;
  slots_open(&a->slots, slot_sectors, a->device.secret);
  const int slot = slots_boot(&a->slots);
  *trial = slot != SLOTS_NONE && a->slots.slot[slot].state == SLOT_TESTING;
  a->begun = 0;
  agent_begin(a, 0);
  return slot;
}

void agent_begin(struct agent *a, uint32_t now) {
  static const struct manifest NONE;
  a->manifest = NONE;
  slots_time(&a->slots, now);
  a->now = now;
  a->device.now = a->slots.time; /* a clock that was set back revives nothing */
  a->had = 0;
  a->answer = AGENT_MORE;
}

/* May a transfer wear the idle slot already? Where the clock cannot tell, once in a life. */
static int backoff_is_over(const struct agent *a) {
  const uint32_t rest = slots_backoff(&a->slots), since = a->slots.slot[slots_idle(&a->slots)].time;
  if (a->now && a->now >= since) return a->now - since >= rest;
  return !rest || !a->begun;
}

/* The head is there: may this package come in? */
static int admit(struct agent *a) {
  const struct manifest *m = &a->manifest;
  const int active = slots_active(&a->slots);
  a->device.counter = a->slots.counter;
  a->device.sequence = active == SLOTS_NONE ? 0 : a->slots.slot[active].sequence;
  a->device.base = active == SLOTS_NONE ? 0 : a->slots.slot[active].digest;
  const int broken = manifest_check(m, &a->device);
  if (broken) return -broken;
  if (slots_banned(&a->slots, m->sequence, m->digest)) return AGENT_FAILED;
  if (slots_busy(&a->slots)) return AGENT_BUSY;
  if (!backoff_is_over(a)) return AGENT_BACKOFF;
  const struct decryptor *const hidden = m->encryption.iv ? a->device.decryptor : 0;
  if (hidden && hidden->begin(hidden->state, &m->encryption, a->device.kek)) return AGENT_KEY;
  if (slots_begin(&a->slots, m->sequence, m->size, m->digest)) return AGENT_FLASH;
  a->begun = 1;
  sha256_begin(&a->payload);
  const int delta = m->encoding == ENCODING_DELTA;
  delta_begin(&a->delta, delta ? slots_image(&a->slots, active) : 0,
              delta ? a->slots.slot[active].size : 0, m->size, slots_put, &a->slots);
  return AGENT_MORE;
}

/* Is what lies in the slot the payload as it travelled? */
static int travels_raw(const struct agent *a) {
  return a->manifest.encoding == ENCODING_RAW && !a->manifest.encryption.iv;
}

/* Bytes of the image, as they are or encoded. */
static int use(struct agent *a, const uint8_t *data, uint32_t n) {
  if (a->manifest.encoding == ENCODING_RAW) return slots_put(&a->slots, data, n) ? AGENT_FLASH : AGENT_MORE;
  const int said = delta_feed(&a->delta, data, n);
  if (said == DELTA_STOPPED) return AGENT_FLASH;
  return said < 0 ? AGENT_DAMAGED : AGENT_MORE;
}

/* Bytes of the payload. */
static int pass(struct agent *a, const uint8_t *data, uint32_t n) {
  const struct decryptor *const hidden = a->device.decryptor;
  uint8_t plain[2 * DECRYPT_BLOCK];
  int answer = AGENT_MORE;
  if (n > a->manifest.payload_size - a->had) return AGENT_TOO_LONG;
  a->had += n;
  if (!travels_raw(a)) sha256_add(&a->payload, data, n);
  if (!a->manifest.encryption.iv) return use(a, data, n);
  while (n && answer == AGENT_MORE) { /* no further than into the idle slot, which is judged at the end */
    const uint32_t some = n < sizeof plain ? n : sizeof plain;
    hidden->run(hidden->state, data, plain, some);
    answer = use(a, plain, some);
    data += some;
    n -= some;
  }
  return answer;
}

static int take(struct agent *a, const uint8_t *data, uint32_t n) {
  if (!a->manifest.payload_at) { /* the head is not complete yet */
    while (n && a->had < MANIFEST_HEAD) {
      a->head[a->had++] = *data++;
      n--;
    }
    const int code = manifest_read(a->head, a->had, a->trusted, &a->manifest);
    if (code == MANIFEST_SHORT) return AGENT_MORE;
    if (code) return -code;
    int answer = admit(a);
    if (answer) return answer;
    const uint32_t at = a->manifest.payload_at, early = a->had - at; /* came with the head's last bytes */
    a->had = 0;
    answer = pass(a, a->head + at, early);
    if (answer) return answer;
  }
  return pass(a, data, n);
}

int agent_take(struct agent *a, const uint8_t *data, uint32_t n) {
  a->answer = a->answer == AGENT_MORE ? take(a, data, n) : AGENT_ABORTED;
  return a->answer;
}

/* Is the payload of a package the one that was signed? Of a raw one the image's digest says so. */
static int payload_is_signed(struct agent *a) {
  uint8_t is[SHA256_BYTES];
  if (travels_raw(a)) return 1;
  sha256_end(&a->payload, is);
  return cbor_same(is, a->manifest.payload_digest, sizeof is);
}

static int end(struct agent *a) {
  if (a->answer == AGENT_INSTALLED) return AGENT_INSTALLED; /* said twice */
  if (a->answer != AGENT_MORE) return AGENT_ABORTED;
  if (!a->manifest.payload_at || a->had != a->manifest.payload_size) return AGENT_PARTIAL;
  if (!payload_is_signed(a)) return AGENT_PAYLOAD;
  if (a->manifest.encoding != ENCODING_RAW && a->delta.result != DELTA_COMPLETE) return AGENT_DAMAGED;
  switch (slots_finish(&a->slots)) {
    case 0: return AGENT_INSTALLED;
    case SLOTS_SIZE: return AGENT_DAMAGED;
    case SLOTS_DIGEST: return AGENT_DIGEST;
    default: return AGENT_FLASH;
  }
}

int agent_end(struct agent *a) { return a->answer = end(a); }

uint32_t agent_running(const struct agent *a) {
  return a->slots.running == SLOTS_NONE ? 0 : a->slots.slot[a->slots.running].sequence;
}

int agent_finish_trial(struct agent *a, uint32_t sequence, int healthy) {
  if (sequence == 0 || sequence != agent_running(a)) return SLOTS_REFUSED;
  return healthy ? slots_confirm(&a->slots, sequence) : slots_revert(&a->slots);
}

const char *agent_reason(int answer) {
  switch (answer) {
    case AGENT_MORE: return "more to come";
    case AGENT_INSTALLED: return "installed";
    case AGENT_DAMAGED: return "the payload decodes to no image of the signed size";
    case AGENT_DIGEST: return "the image is not the one that was signed";
    case AGENT_TOO_LONG: return "more bytes than the manifest promised";
    case AGENT_PARTIAL: return "the package ended too early";
    case AGENT_BUSY: return "an image is on trial here, or waits for the reset";
    case AGENT_FLASH: return "the flash failed";
    case AGENT_PAYLOAD: return "the payload is not the one that was signed";
    case AGENT_KEY: return "encrypted under a key that this device does not have";
    case AGENT_FAILED: return "this image was tried here, and failed";
    case AGENT_BACKOFF: return "too many transfers failed here; later";
    case AGENT_ABORTED: return "this transfer was refused before";
    default: return manifest_reason(-answer);
  }
}
