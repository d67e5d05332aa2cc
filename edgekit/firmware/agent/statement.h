/* What is the latest release? A short signed statement, so that a device notices when somebody keeps updates from
 * it: without one, silence and a freeze look alike. (COSE_Sign1; edgekit/packages/statement.py makes it.)
 *
 *   18([bstr {1: algorithm}, {}, bstr [class, latest, issued, until], signature])
 *
 * class: 16 bytes, of the devices that are meant; latest: the number of their newest release; issued and until: POSIX
 * seconds. Signed by one of those who sign packages, over the external data 'latest'. */
#ifndef EDGEKIT_STATEMENT_H
#define EDGEKIT_STATEMENT_H

#include "trust.h"

#define STATEMENT_BYTES 128       /* at most */
#define STATEMENT_EARLY 86400u    /* seconds that its clock may be ahead of the device's */

enum {
  STATEMENT_CURRENT, /* the latest release runs */
  STATEMENT_BEHIND,  /* there is a newer one */
  STATEMENT_FROZEN,  /* no statement holds at this time: ask elsewhere, raise the alarm */
  /* refused; what was said before holds: */
  STATEMENT_FORM,
  STATEMENT_ALGORITHM,
  STATEMENT_SIGNATURE,
  STATEMENT_REVOKED,
  STATEMENT_CONTENT,
  STATEMENT_CLASS,
  STATEMENT_REPLAYED,   /* than one that was heard: played again */
  STATEMENT_ROLLBACK,   /* its release is older than one that was named before */
  STATEMENT_FROM_FUTURE,   /* from a time that is yet to come */
  STATEMENT_FLASH,
  STATEMENT_CODES
};

/* A statement came in. `model`: the device's class, `running`: the number of the release that runs, now: POSIX
 * seconds, 0 without a clock. */
int statement_take(struct trust *t, const uint8_t *data, uint32_t n, const uint8_t *model, uint32_t running,
                   uint64_t now);

/* What the newest one says by now: current, behind or frozen. Without a clock nothing is ever frozen but the device
 * that never heard one. */
int statement_freshness(const struct trust *t, uint32_t running, uint64_t now);

const char *statement_reason(int code);

#endif
