/* The head of a package: everything before its payload. Is it signed by somebody this device trusts, and is it
 * meant for this device? (SUIT, draft-ietf-suit-manifest; COSE, RFC 9052; CBOR, RFC 8949; edgekit/packages/suit.py
 * writes it.)
 *
 *   107({ 2: bstr [bstr [-16, SHA-256 of the manifest], bstr 18([bstr {1: algorithm}, {}, null, signature])],
 *         3: bstr manifest,
 *         "#m": bstr payload })
 *
 * One manifest has exactly one encoding: shortest numbers, sorted keys, no key more. The reader follows that
 * encoding byte by byte and refuses at the first one that is another. It takes no memory, does not call itself,
 * looks at no byte twice but for the hash, and at none of the manifest's content before the signature is good. */
#ifndef EDGEKIT_MANIFEST_H
#define EDGEKIT_MANIFEST_H

#include <stdint.h>

#include "cose.h"
#include "decrypt.h"

#define MANIFEST_HEAD 512          /* bytes before the payload, at most */
#define MANIFEST_OPERATORS 32      /* kinds of operators in a model, at most */
#define MANIFEST_FAST_FORWARD 1000 /* how far a sequence number may leap: one stolen signature shall not end all updates */
#define MANIFEST_TIMES 1577836800u /* (1 January 2020) numbers from here on may be POSIX seconds, which leap by nature */
#define MANIFEST_DAY 86400u        /* and are then at most so far ahead of the device's clock */

/* What became of it. Of manifest_read: up to MANIFEST_PAYLOAD_LENGTH; of manifest_check: the rest. */
enum {
  MANIFEST_OK,
  MANIFEST_SHORT,          /* not refused yet: more bytes are needed. Never with MANIFEST_HEAD bytes or more. */
  MANIFEST_LONG,
  MANIFEST_ENVELOPE,
  MANIFEST_ALGORITHM,
  MANIFEST_DIGEST,
  MANIFEST_SIGNATURE,
  MANIFEST_REVOKED,
  MANIFEST_FORM,
  MANIFEST_PAYLOAD_LENGTH,
  MANIFEST_VENDOR,
  MANIFEST_MODEL,
  MANIFEST_DEVICE,
  MANIFEST_ROLLBACK,
  MANIFEST_LEAP,
  MANIFEST_EXPIRED,
  MANIFEST_KIND,
  MANIFEST_SIZE,
  MANIFEST_PAYLOAD_SIZE,
  MANIFEST_BASE,
  MANIFEST_ARENA,
  MANIFEST_OPERATOR,
  MANIFEST_IO,
  MANIFEST_ABI,
  MANIFEST_FEATURES,
  MANIFEST_ENCRYPTED,
  MANIFEST_CODES
};

enum { KIND_TFLITE, KIND_WEIGHTS };                        /* struct manifest.kind */
enum { ENCODING_RAW, ENCODING_PACKED, ENCODING_DELTA };    /* struct manifest.encoding */

/* Numbers are copies, pointers point into the bytes that were read. */
struct manifest {
  uint32_t sequence;        /* higher is newer */
  const uint8_t *vendor;    /* 16 bytes */
  const uint8_t *model;     /* 16 bytes; SUIT's class */
  const uint8_t *device;    /* 16 bytes, or NULL: for all devices */
  uint32_t expires;         /* POSIX seconds, 0: never */
  const uint8_t *payload_digest; /* 32 bytes: SHA-256 of the payload */
  uint32_t payload_size;    /* bytes of the payload, never 0; the package ends with it */
  const uint8_t *digest;    /* the same of the image; of a raw payload they are the same */
  uint32_t size;
  const uint8_t *base;      /* 8 bytes: the digest of the image that a delta starts from begins so; else NULL */
  uint32_t arena;           /* bytes */
  const uint8_t *operators; /* CBOR numbers, ascending; manifest_operator() reads them */
  uint32_t operator_count;
  const uint8_t *io;        /* 4 bytes each: hash of shapes and quantization, */
  const uint8_t *abi;       /* of the generated code's layout, */
  const uint8_t *features;  /* of the feature pipeline */
  uint32_t kind, encoding;
  uint32_t payload_at;      /* where the payload begins */
  struct encryption encryption; /* of the payload, which is what travels: encrypted, if it is */
};

/* What a device knows of itself. */
struct device {
  uint8_t vendor[16], model[16], device[16];
  uint32_t sequence;   /* of the confirmed image */
  uint32_t counter;    /* rollback counter; a package's number must be above both */
  uint64_t now;        /* POSIX seconds, the latest that the device knows; 0: none, and nothing expires */
  uint32_t kind;       /* of image that it runs */
  uint32_t slot_bytes;
  const uint8_t *base; /* 8 bytes: the SHA-256 of the image in the active slot begins so; NULL: there is none */
  uint32_t arena_bytes;
  const uint32_t *operators; /* those that were linked in, in any order */
  uint32_t operator_count;
  uint8_t io[4], abi[4], features[4];
  uint8_t secret[32]; /* of this device alone, drawn at random when it is made, and never told to anybody */
  uint8_t kek[DECRYPT_KEY];          /* what keys of encrypted payloads are wrapped in for this device, */
  const struct decryptor *decryptor; /* and who reads them; NULL: it takes none */
};

/* Reads the head of a package from its first n bytes, which may reach into the payload or end too early.
 * MANIFEST_OK: signed, intact, in form; `out` is filled. Anything else: a reason to refuse, and out->payload_at
 * is 0, or MANIFEST_SHORT. Every byte before the payload is covered by the answer. */
int manifest_read(const uint8_t *data, uint32_t n, const struct keys *trusted, struct manifest *out);

/* Is it for this device, now? The first rule that is broken, in the order of the enum, or MANIFEST_OK. */
int manifest_check(const struct manifest *m, const struct device *d);

/* The operator at *at, which then moves on to the next one. Only of a manifest that was read. */
uint32_t manifest_operator(const uint8_t **at);

/* A code in one line, for people. */
const char *manifest_reason(int code);

#endif
