/* The program of a device that takes updates: what edgekit/agent/simulator.py calls on the emulated core, what the main
 * loop of a real one would. @name@ is the network; its constants lie in the slot that the agent chose. */
#include "agent.h"
#include "ed25519.h"
#include "es256.h"
#include "nor.h"
#include "statement.h"
#include "status.h"
#include "@name@.h"

#define SLOT_SECTORS @sectors@
#define ANSWER 8 /* bytes behind the constants: what the self-test's hash begins with */

@decryptor@
static const uint32_t OPERATORS[] = {@operators@};
static const uint8_t KEYS[] = {@keys@}; /* whom to trust, see keyset.h */
struct device update_device_info; /* written by whoever provisions the device */
struct trust update_trust;
uint8_t update_packet[512]; /* what the radio received last */
struct agent update_agent;

/* The network's answer to the test input, compared with the one that its image promises. */
int32_t update_selftest(void) {
  struct sha256 hash;
  uint8_t found[SHA256_BYTES];
  uint8_t *in = (uint8_t *)@name@_input();
  if (!@name@_slot) return 0;
  @forget@
  for (uint32_t i = 0; i < @input_bytes@; i++) in[i] = (uint8_t)(i * 37 + 11);
  @name@_invoke();
  sha256_begin(&hash);
  sha256_add(&hash, (const uint8_t *)@name@_output(), @output_bytes@);
  sha256_end(&hash, found);
  @forget@
  for (uint32_t i = 0; i < ANSWER; i++)
    if (found[i] != @name@_slot[@constants@ + i]) return 0;
  return 1;
}

/* After a reset. The slot that runs, 0 or 1; + 256 if its image is on trial; negative if there is none. A
 * confirmed image that does not give its answer is another program's: this one was changed under it. */
int32_t update_start(void) {
  int trial;
  const struct trust_origin origin = {KEYS, sizeof KEYS, {@verify@}, update_device_info.secret, 2 * SLOT_SECTORS + 2};
  trust_open(&update_trust, &origin);
  update_device_info.operators = OPERATORS;
  update_device_info.operator_count = sizeof OPERATORS / sizeof OPERATORS[0];
  update_device_info.decryptor = @reads@;
  const int slot = agent_start(&update_agent, &update_device_info, &update_trust.keys, SLOT_SECTORS, &trial);
  @name@_slot = slot < 0 ? 0 : slots_image(&update_agent.slots, slot);
  if (slot >= 0 && !trial && !update_selftest()) @name@_slot = 0;
  return @name@_slot ? slot + (trial ? 256 : 0) : SLOTS_NONE;
}

void update_begin(uint32_t now) { agent_begin(&update_agent, now); }

int32_t update_take(uint32_t n) {
  if (n > sizeof update_packet) return update_agent.answer = AGENT_TOO_LONG;
  return agent_take(&update_agent, update_packet, n);
}

int32_t update_end(void) { return agent_end(&update_agent); }
uint32_t update_running(void) { return agent_running(&update_agent); }
int32_t update_finish_trial(uint32_t sequence, int32_t healthy) { return agent_finish_trial(&update_agent, sequence, healthy); }

/* The latest time that the device knows. */
static uint64_t known(uint32_t now) { return now > update_agent.device.now ? now : update_agent.device.now; }

/* A key manifest, in packets. With new keys a transfer that is under way begins anew: its signer may be revoked. */
void update_keys_begin(void) { trust_begin(&update_trust); }
void update_keys_take(uint32_t n) {
  trust_take(&update_trust, update_packet, n < sizeof update_packet ? n : sizeof update_packet);
}
int32_t update_keys_end(uint32_t now) {
  const int code = trust_end(&update_trust, known(now));
  if (code == KEYSET_GOOD) agent_begin(&update_agent, now);
  return code;
}

/* What is the latest release? A statement of n bytes came; or what the newest one says by now. */
int32_t update_statement_take(uint32_t n, uint32_t now) {
  if (n > sizeof update_packet) return STATEMENT_FORM;
  return statement_take(&update_trust, update_packet, n, update_device_info.model, update_running(), known(now));
}
int32_t update_freshness(uint32_t now) { return statement_freshness(&update_trust, update_running(), known(now)); }

/* How the device fares: a report into the packet. Its bytes, or 0. */
uint32_t update_report(uint32_t now) {
  const struct slots *const slots = &update_agent.slots;
  const int slot = slots->running, answer = update_agent.answer;
  struct status s = {update_running(), slots->counter, STATUS_NOTHING, 0, (uint32_t)update_freshness(now)};
  if (slot >= 0) s.verdict = slots->slot[slot].state == SLOT_TESTING ? STATUS_TRIAL : STATUS_CONFIRMED;
  if (s.verdict == STATUS_CONFIRMED && slots->slot[!slot].state == SLOT_REVERTED) s.verdict = STATUS_GIVEN_UP;
  if (answer < 0) s.reason = (uint32_t)-answer;
  return status_make(&update_trust, update_device_info.device, &s, update_packet);
}

/* Nothing calls them but the emulator: behind the two vectors that a core reads, the linker keeps them. */
__attribute__((used, section(".vectors"))) static void (*const update_entries[])(void) = {
    (void (*)(void))update_start,   (void (*)(void))update_begin, (void (*)(void))update_take,
    (void (*)(void))update_end,     (void (*)(void))update_selftest, (void (*)(void))update_finish_trial,
    (void (*)(void))update_running, (void (*)(void))nor_blank,    (void (*)(void))agent_reason,
    (void (*)(void))update_keys_begin, (void (*)(void))update_keys_take, (void (*)(void))update_keys_end,
    (void (*)(void))update_statement_take,   (void (*)(void))update_freshness,  (void (*)(void))update_report,
    (void (*)(void))keyset_reason,  (void (*)(void))statement_reason,
};
