"""Verify proofs of `pledger proof` without pledger: verify_proof.py KEYS.json PROOF.json ...
Checkpoints are left aside. What it shows, and what not: docs/explanation/what-proofs-prove.md"""
import json
import sys
from hashlib import sha256

import rlp
from coincurve import PublicKey
from eth_hash.auto import keccak
from trie import HexaryTrie

W, N, DAY = "bytes32", "uint256", "uint256[16],int256[12],bytes32,bytes32,bytes32[]"
SIGN, SEAL, SIGNED, SEALED, *NO_ENTRY = (keccak(one.encode()) for one in (
    f"sign({W},{N},{W})", f"seal_day({W},{N},({DAY}))", f"DaySigned({W},{N},{N},{W},{DAY})",
    f"DaySealed({W},{N},{W})", f"LoanMarkedOverdue({W},{W},{N})", f"FurtherLegs({W},{N}[8])",
    f"LoanFeeCharged({W},{N}[2])"))
number = int.from_bytes
def need(holds, what):
    if not holds:
        raise ValueError(f"not {what}")
def bare(value):
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items()}
    if isinstance(value, list):
        return [bare(one) for one in value]
    return bytes.fromhex(value[2:]) if str(value)[:2] == "0x" else value
def signer(digest, seal):
    need(seal[64] < 2 and seal[32] < 0x80, "a signature in its one form")
    return keccak(PublicKey.from_signature_and_message(seal, digest, None).format(False)[1:])[12:]
def acts(key, address, block):
    return key["address"] == address and key["from_block"] <= block <= (key["to_block"] or block)
def item(root, index, path):
    nodes = [rlp.decode(one) for one in path]
    need(all(keccak(b) in a for a, b in zip(nodes, path[1:], strict=False)), "node to node")
    return HexaryTrie.get_from_proof(root, rlp.encode(index), nodes)
def tree(found, index, size, path):
    if size < 2:
        return need((index, size, path) == (0, 1, []), "a path in this tree") or found
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return sha256(b"\1" + tree(found, index, half, path[:-1]) + path[-1]).digest()
    return sha256(b"\1" + path[-1] + tree(found, index - half, size - half, path[:-1])).digest()

def verify(proof, keys):
    chain, deal, entry, day, log = map(proof.get, ("chain_id", "deal", "entry", "day", "log"))
    need((chain, proof["genesis"]) == (keys["chain_id"], keys["genesis"]), "of this ledger")
    at, blocks, shown = keys["contracts"], {}, []
    names = {one["number"]: one["id"] for one in keys["members"]}
    for header in proof["headers"]:
        field = rlp.decode(header)
        block, seal = number(field[8]), field[12][-65:]
        key = signer(keccak(rlp.encode([*field[:12], field[12][:-65], *field[13:]])), seal)
        need(any(acts(one, key, block) for one in keys["validators"]), "sealed by a validator")
        need(blocks.get(block - 1, field)[0] == field[0], "the child of the block before")
        blocks[block] = keccak(header), field[4], field[5]
    for block, index, sent, receipt in map(dict.values, proof["records"]):
        field = rlp.decode(item(blocks[block][1], index, sent))
        digest = keccak(rlp.encode([*field[:6], chain, b"", b""]))
        r, s = (part.rjust(32, b"\0") for part in field[7:])
        key = signer(digest, r + s + bytes([number(field[6]) - 35 - 2 * chain]))
        who = next((use, one["number"]) for one in keys["members"] for use in ("makers", "checkers")
                   if any(acts(known, key, block) for known in one[use]))
        status, _, _, logs = rlp.decode(item(blocks[block][2], index, receipt))
        need(status == b"\1", "a success")
        shown.append(((block, index), who, field[3], field[5], logs))
    if log is not None:
        (block, _), who, to, data, logs = shown.pop(0)
        address, topics, _ = logs[log]
        ours = to == address in map(at.get, "Loans Servicing Guarantees Settlements".split())
        need(ours and entry in data and deal in (topics[1], data[4:36]), "of this deal")
        need(topics[0] not in NO_ENTRY and topics[1 + (topics[1] == deal)] == entry, "this entry")
        yield f"0x{entry.hex()} posted by {names[who[1]]} in block {block}"
    if day:
        date, leaf, (_, who, to, data, _), *rest = day["date"].to_bytes(32), day["leaf"], *shown
        w = [number(data[start : start + 32]) for start in range(68, len(data), 32)]
        parties = w[w[0] // 32 + 1 :][: w[w[0] // 32]]
        signing = dict.fromkeys([*parties[: w[w[1] // 32]], parties[w[2]]])
        need((who[0], to, data[4:36]) == ("makers", at["Deals"], deal), "terms of this deal")
        terms = SIGN[:4] + deal + rest[0][3][36:68] + keccak((32).to_bytes(32) + data[68:])
        wanted = [(("checkers", one), at["Deals"], terms) for one in parties]
        need([one[1:4] for one in rest[: len(parties)]] == wanted, "terms that every party signed")
        rest, call, journal = rest[len(parties) :], rest[-1][3], at["Journal"]
        need(call[:100] == SEAL[:4] + deal + date + (96).to_bytes(32), "of this day")
        for one, asked, sent in zip(signing, rest[::2], rest[1::2], strict=True):
            need(asked[1:3] == (("makers", one), at["Members"]) and call in asked[3], "asked for")
            need(sent[1:4] == (("checkers", one), journal, call), "signed by all, and alike")
            signed = journal, [SIGNED, deal, date, one.to_bytes(32)], keccak(call[4:])
            need(signed in [(*log[:2], log[2][:32]) for log in sent[4]], "reported as signed")
        need([journal, [SEALED, deal, date], keccak(call[4:])] in max(rest)[4], "sealed")
        size = sum(number(call[start : start + 16]) for start in range(100, 612, 32))
        found = tree(sha256(b"\0" + leaf).digest(), day["index"], size, day["path"])
        need(leaf[:32] == entry and found == call[1028:1060], "in the day that was signed")
        amounts = [number(leaf[start : start + 32]) for start in range(128, 256, 32)]
        yield f"one of {size} entries of a day signed by {[*map(names.get, signing)]}: {amounts}"
    need(day or (log is not None and not shown), "a proof of this form")
if __name__ == "__main__":
    sys.tracebacklimit = 0
    keys, *proofs = (bare(json.loads(open(name, "rb").read())) for name in sys.argv[1:])
    for proof in proofs:
        print("VALID:", *verify(proof, keys), sep="\n  ")
