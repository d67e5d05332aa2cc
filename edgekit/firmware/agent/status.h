/* How a device fares, in a report that nobody else can write and that counts once. (COSE_Mac0, RFC 9052, HMAC-SHA-256
 * under the device's secret; edgekit/packages/status.py reads it.)
 *
 *   17([bstr {1: 5}, {}, bstr [device, number, running, counter, verdict, reason, keys, fresh], mac])
 *
 * number: of the report, no other one of this device has it; running: of the release that runs, 0: none; counter:
 * what a package must be above; keys: version of the key list. The MAC is over the external data 'status', too. */
#ifndef EDGEKIT_STATUS_H
#define EDGEKIT_STATUS_H

#include "trust.h"

#define STATUS_BYTES 112 /* at most */

enum { STATUS_NOTHING, STATUS_CONFIRMED, STATUS_TRIAL, STATUS_GIVEN_UP }; /* struct status.verdict */

struct status {
  uint32_t running, counter;
  uint32_t verdict; /* nothing runs; what runs is confirmed; is on trial; is confirmed, and a newer one failed */
  uint32_t reason;  /* of the last refusal, 0: there was none */
  uint32_t fresh;   /* STATEMENT_CURRENT, _BEHIND or _FROZEN */
};

/* Write a report. `device`: 16 bytes, its id. Bytes of `out`; 0 if the flash failed: a number could come twice. */
uint32_t status_make(struct trust *t, const uint8_t *device, const struct status *s, uint8_t out[STATUS_BYTES]);

#endif
