/* Whom a device trusts, as one signed list: who may change the list (roots, m of n), who may sign packages
 * (signers), and whose keys are revoked. (COSE_Sign, RFC 9052; edgekit/packages/keyset.py makes it.)
 *
 *   [bstr keys, 98([h'', {}, bstr [-16, SHA-256 of keys], [[bstr {1: algorithm}, {4: key id}, signature], …]])]
 *   keys = [vendor, version, expires, threshold, [root, …], [signer, …], [revoked id, …]]
 *
 * A key is its bytes: 32 are Ed25519's, 64 P-256's (x, then y). Its id is the beginning of a SHA-256 (of 04, x and
 * y for P-256). Lists rise strictly, so that nothing stands there twice, and signatures are sorted by key id, so
 * that nobody signs twice. Whatever is revoked does not count, wherever else it is listed.
 *
 * Who was trusted so far must agree to a new list, and who is in it, too: the thresholds of both must be reached
 * (as The Update Framework rotates its root). Nothing here is written or kept: trust.c does that. */
#ifndef EDGEKIT_KEYSET_H
#define EDGEKIT_KEYSET_H

#include <stddef.h>
#include <stdint.h>

#include "cose.h"

#define KEYSET_KEYS 8        /* roots, and signers, at most */
#define KEYSET_REVOKED 32    /* ids, at most */
#define KEYSET_SIGNATURES 16 /* at most */
#define KEYSET_LEAP 1000     /* how far a version may be ahead: a slip shall not end all rotations */
#define KEY_ID 8             /* bytes */

enum {
  KEYSET_GOOD,
  KEYSET_FORM,      /* not a key manifest, or not in its one encoding */
  KEYSET_DIGEST,    /* the signed digest is another list's */
  KEYSET_SIGNATURE, /* by the id a key that counts, and not by that key */
  KEYSET_BELOW_OLD_THRESHOLD,       /* of those who are trusted now, too few signed */
  KEYSET_CONTENT,   /* the list is not one that a device understands */
  KEYSET_VENDOR,
  KEYSET_ALGORITHM, /* a key of an algorithm that this firmware has no code for */
  KEYSET_ROLLBACK,
  KEYSET_LEAPS,
  KEYSET_EXPIRED,
  KEYSET_BELOW_NEW_THRESHOLD,   /* of those who shall be trusted, too few signed */
  KEYSET_LONG,      /* (of trust_end) more bytes than the device takes */
  KEYSET_FLASH,     /* (of trust_end) the flash failed; what was trusted is trusted */
  KEYSET_CODES
};

typedef int (*keyset_verify)(const uint8_t *signature, const uint8_t *bytes, const uint8_t *message, size_t n);

/* A list of keys or ids that was read: it points into the bytes. */
struct keyset_list {
  const uint8_t *at;
  uint32_t count;
};

struct keyset {
  const uint8_t *vendor; /* 16 bytes */
  uint32_t version;      /* higher is newer; the one that is compiled in has 0 */
  uint32_t expires;      /* POSIX seconds, 0: never. When it may no longer be taken: who has it, keeps it. */
  uint32_t threshold;    /* of the roots */
  struct keyset_list roots, signers, revoked;
  const uint8_t *end;
};

/* Read a list. 0 if these n bytes are none, in the one encoding. */
int keyset_read(const uint8_t *keys, uint32_t n, struct keyset *out);

/* May a device that trusts `old` take the key manifest in these n bytes? verify: the firmware's functions by
 * KEY_ED25519 and KEY_ES256, NULL where it has none. now: POSIX seconds, 0 without a clock. KEYSET_GOOD: `fresh` is
 * the list, in the `size` bytes at `keys`. Of its content nothing is looked at before the old roots' signatures are
 * good. */
int keyset_accept(const uint8_t *data, uint32_t n, const struct keyset *old, const keyset_verify verify[2],
                  uint64_t now, struct keyset *fresh, const uint8_t **keys, uint32_t *size);

/* Do both lists name the same signers, and the same revocations? */
int keyset_same_signers(const struct keyset *a, const struct keyset *b);

/* The next key of a list: its algorithm (KEY_ED25519, KEY_ES256); *at moves on, *bytes are the key's. */
int keyset_next(const uint8_t **at, const uint8_t **bytes);

/* Is this key revoked? */
int keyset_revoked(const struct keyset *s, int algorithm, const uint8_t *bytes);

const char *keyset_reason(int code);

#endif
