"""Envelopes as the SUIT drafts publish them, and the key that their appendices give for them."""

import cbor2

from edgekit.packages import suit
from edgekit.packages.signature_checks import low_s

PUBLIC_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhJaBGq4LqqvSYVcYnuzaJr6qi/Eb
bz/m4rVlnIXbwK07HypLbAmBMcCjbazR14vTgdzfsJwFLbM5kdtzOLSolg==
-----END PUBLIC KEY-----
"""
ENVELOPES = {
    "draft-ietf-suit-manifest, example 0: secure boot": """
        d86ba2025873825824822f58206658ea560262696dd1f13b782239a064da7c6c5cbaf52fded428a6fc83c7e5af584ad284
        43a10126a0f65840408d0816f9b510749bf6a51b066951e08a4438f849eb092a1ac768eed9de696c1b1dd35d82ef149e6a
        73a61976ad2cfe78444b8064293350a122f332cb49f0da035871a50101020003585fa202818141000458568614a40150fa
        6b4a53d5ad5fdfbe9de663e4d41ffe02501492af1425695e48bf429b2d51f2ab45035824822f5820001122334455667788
        99aabbccddeeff0123456789abcdeffedcba98765432100e1987d0010f020f074382030f0943821702""",
    "draft-ietf-suit-manifest, example 1: download and install": """
        d86ba2025873825824822f58201f2e7acca0dc2786f2fe4eb947f50873a6a3cfaa98866c5b02e621f42074daf2584ad284
        43a10126a0f658400d4afa637eca6d7b4970dc85926001b42b8e1b96d512ca065e8bd0028b67e04561a2993414c9f2649e
        d78b37e6f2dd02d147d14bbcbbe25c5982265b5b812062035894a50101020103585fa202818141000458568614a40150fa
        6b4a53d5ad5fdfbe9de663e4d41ffe02501492af1425695e48bf429b2d51f2ab45035824822f5820001122334455667788
        99aabbccddeeff0123456789abcdeffedcba98765432100e1987d0010f020f074382030f1458258614a115781b68747470
        3a2f2f6578616d706c652e636f6d2f66696c652e62696e1502030f""",
    "draft-ietf-teep-protocol: a trusted application by URI": """
        d86ba2025873825824822f5820549b1bf2e6f662167342a91e2cd16a695be2ecfb7c325639189d0ea8eba57d0a584ad284
        43a10126a0f65840478c87a8abb1f0388c8541c8396b268c72dbc8dff7aa34357e2a022741287d16df92be53e135a2daec
        f95800a623801705034d8187bb15de36a7d1dde37b5b7c0358d4a401010203035884a20281844b544545502d4465766963
        65485365637572654653508d82573a926d4754935332dc29997f744274610458548614a40150c0ddd5f15243566087db4f
        5b0aa26c2f0250db42f7093d8c55baa8c5265fc5820f4e035824822f58208cf71ac86af31be184ec7a05a411a8c3a14fd9
        b77a30d046397481469468ece80e14010f020f1158458614a115783b68747470733a2f2f6578616d706c652e6f72672f38
        643832353733612d393236642d343735342d393335332d3332646332393939376637342e7461150f030f""",
}


def parts(text: str, low: bool = True) -> dict:
    """The parts of a published envelope; `low`: its signature (r, s) as (r, n - s) where that one is lower.

    Both fit, and whoever published it took no care which; we take the lower one alone.
    """
    found = dict(cbor2.loads(bytes.fromhex("".join(text.split()))).value)
    digest, sign1 = suit.authentication(found[2])
    if low:
        sign1[3] = low_s(sign1[3])
    tag = cbor2.CBORTag(suit.SIGN1, sign1)
    return found | {2: suit.encode([digest, suit.encode(tag)])}


# Chalkias, Garillot, Nikolaenko, Taming the many EdDSAs (SSR 2020): message, key, R and S of its 12 cases
SPECCHECK = """
        8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6
        c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa
        c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a
        0000000000000000000000000000000000000000000000000000000000000000

        9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79
        c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa
        f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43
        a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04

        aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab
        f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43
        c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa
        8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e

        9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79
        cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d
        9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f
        87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009

        e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c
        cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d
        160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512
        5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09

        e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c
        cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d
        21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7
        e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405

        85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40
        442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623
        e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e
        547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514

        85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40
        442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623
        8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942
        7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22

        9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41
        f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43
        ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f

        9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41
        f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43
        ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908

        e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b
        ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc
        a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04

        39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f
        ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc
        a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"""
SPECCHECK = [
    (message, key, r + s)
    for message, key, r, s in (map(bytes.fromhex, case.split()) for case in SPECCHECK.split("\n\n"))
]
