"""Variables and connections on their way: chunks of AES-256-GCM under a data key that only KMS or the target's one-time key can unwrap.

Layout of the object: frames of 4 bytes big-endian length and that many bytes of ciphertext with tag. Frame n is sealed with
nonce n (96 bits; the data key serves one object only) and the additional data `<what>|n|last or more`, so frames cannot be
dropped, moved, repeated or cut off unseen, nor be passed off as those of another migration or table.
"""
import base64
import hashlib
import json
import os
import struct

from cryptography.hazmat.backends import default_backend
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from _parts.failures import Refusal
from _parts.storage import aws_client

CHUNK_BYTES = 64 * 1024


def fingerprint_of(public_key):
    """SHA-256 of the DER SubjectPublicKeyInfo, 64 hex digits."""
    return hashlib.sha256(public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def new_key_pair():
    """(private PEM, public PEM, fingerprint); RSA-3072."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=3072, backend=default_backend())
    public = private.public_key()
    return (
        private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode("ascii"),
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii"),
        fingerprint_of(public),
    )


def load_private(pem):
    return serialization.load_pem_private_key(pem.encode("ascii"), None, backend=default_backend())


def _oaep():
    return padding.OAEP(mgf=padding.MGF1(algorithm=hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def _region_of(key_arn):
    return key_arn.split(":")[3]


def context_of(rendered, table):
    """KMS encryption context, which also stands in CloudTrail: names only."""
    return {"mwaa-migrate": rendered["migrationId"], "attempt": str(rendered["attempt"]), "table": table}


def sealed_for(rendered, table):
    return "|".join(("mwaa-migrate", rendered["migrationId"], str(rendered["attempt"]), table))


def new_data_key(envelope, context):
    """(data key, what the manifest says about it)."""
    if envelope["wrap"] == "kms":
        answer = aws_client("kms", _region_of(envelope["keyArn"])).generate_data_key(KeyId=envelope["keyArn"], KeySpec="AES_256", EncryptionContext=context)
        return answer["Plaintext"], {"wrap": "kms", "keyArn": envelope["keyArn"], "wrappedKey": base64.b64encode(answer["CiphertextBlob"]).decode("ascii")}
    public = serialization.load_pem_public_key(envelope["publicKeyPem"].encode("ascii"), backend=default_backend())
    if fingerprint_of(public) != envelope["fingerprint"]:
        raise Refusal("wrong-public-key", "The public key in the job does not have the fingerprint in the job.",
                      "variables and passwords would be readable by the holder of another key.", "run export again, which makes a new key pair in the target.")
    key = os.urandom(32)
    return key, {"wrap": "rsa", "fingerprint": envelope["fingerprint"], "wrappedKey": base64.b64encode(public.encrypt(key, _oaep())).decode("ascii")}


def open_data_key(secret, context, private):
    """The data key of a manifest's `secret`. `private`: the one-time private key, None for KMS."""
    wrapped = base64.b64decode(secret["wrappedKey"])
    if secret["wrap"] == "kms":
        return aws_client("kms", _region_of(secret["keyArn"])).decrypt(
            CiphertextBlob=wrapped, KeyId=secret["keyArn"], EncryptionContext=context)["Plaintext"]
    if fingerprint_of(private.public_key()) != secret["fingerprint"]:
        raise Refusal("wrong-private-key", "The export was encrypted for another key than the one this environment holds.",
                      "a newer key pair was made after that export.", "run export (final) again and import its result.")
    return private.decrypt(wrapped, _oaep())


class Sealer(object):
    """Takes records, writes frames to `sink`. Nothing of a record leaves unencrypted."""

    def __init__(self, key, name, sink):
        self.cipher = AESGCM(key)
        self.name = name
        self.sink = sink
        self.number = 0
        self.waiting = b""

    def add(self, record):
        self.waiting += json.dumps(record).encode("ascii") + b"\n"
        while len(self.waiting) > CHUNK_BYTES:
            self._frame(self.waiting[:CHUNK_BYTES], False)
            self.waiting = self.waiting[CHUNK_BYTES:]

    def close(self):
        self._frame(self.waiting, True)

    def _frame(self, data, last):
        nonce, extra = _frame_names(self.name, self.number, last)
        sealed = self.cipher.encrypt(nonce, data, extra)
        self.sink.write(struct.pack(">I", len(sealed)) + sealed)
        self.number += 1


def opened(key, name, data):
    """The records of a sealed object. :raises Refusal: when a frame was changed, moved or cut off."""
    cipher, at, number, waiting = AESGCM(key), 0, 0, b""
    while at < len(data):
        length = struct.unpack(">I", data[at:at + 4])[0]
        frame, at = data[at + 4:at + 4 + length], at + 4 + length
        nonce, extra = _frame_names(name, number, at >= len(data))
        try:
            waiting += cipher.decrypt(nonce, frame, extra)
        except Exception:  # cryptography says nothing but InvalidTag
            raise Refusal("damaged", "The encrypted rows of {} cannot be opened.".format(name.split("|")[-1]),
                          "they were changed after the export, so none was imported.",
                          "run export (final) again and import its result.")
        number += 1
        lines = waiting.split(b"\n")
        waiting = lines.pop()
        for line in lines:
            yield json.loads(line.decode("ascii"))


def _frame_names(name, number, last):
    return number.to_bytes(12, "big"), "{}|{}|{}".format(name, number, "last" if last else "more").encode("utf-8")
