"""Preparing an upload before its first byte: limits, quota, key, cipher and content type."""

from ossferry_uploader.oss.encryption import encryption_headers
from ossferry_uploader.oss.keys import (
    MIN_NAME_BYTES,
    in_folder,
    named_key,
    object_key,
    safe_name,
    safe_path,
)
from ossferry_uploader.oss.replies import Stored
from ossferry_uploader.transfer.errors import NameTooLong, QuotaExceeded
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.grants.forms import check_form
from ossferry_uploader.transfer.options import KEEP_BOTH, REFUSE, object_headers
from ossferry_uploader.transfer.sending.abort import abort
from ossferry_uploader.transfer.sending.encryption import ciphers_for
from ossferry_uploader.transfer.sending.identical import find_identical, may_be_identical
from ossferry_uploader.transfer.sending.settle import already_stored, is_checked
from ossferry_uploader.transfer.sending.sniff import content_type_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.signing import Header
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.sending.encryption import Ciphers
    from ossferry_uploader.transfer.upload import Upload

__all__ = ["examine", "headers_of", "key_for", "overwrite_headers", "prepare"]

FORBID_OVERWRITE = ("x-oss-forbid-overwrite", "true")


async def prepare(upload: "Upload", engine: "Engine") -> "Stored | None":
    """Check a file against the grant, and set the key of the upload.

    The upload gets a new key, or the key of an unfinished upload of the same file. Temporary errors
    are retried.

    Returns:
        The `Stored` data of the object, if another tab of this browser has just sent the file, if
        an earlier page has stored the file, or if an identical object was stored before; `None` if
        the file has to be sent.

    Raises:
        FileTooLarge, WrongType: the grant does not allow the file.
        NameTooLong: the folders and the name of the file do not fit into an object key.
        NoForm: the grant has only forms, which cannot carry the upload.
        FileUnreadable: the file cannot be read.
        GrantRefused: the server gave no credentials.
    """
    grant: Grant = await engine.persist(upload, lambda: _admit(upload, engine))
    ciphers = await ciphers_for(grant.encryption, engine) if grant.encryption else None
    stored = await _place(upload, engine, grant, ciphers)
    if not stored and may_be_identical(upload, grant):
        stored = await find_identical(upload, engine)
    if stored:
        return stored
    grant = await engine.persist(upload, lambda: _reserve_quota(upload, engine))
    while not stored and upload.upload_id and not _can_continue(upload, grant, ciphers):
        await engine.persist(upload, lambda: _remove_parts(upload, engine))
        stored = await _place(upload, engine, grant, ciphers)
    if ciphers and not stored:
        stored = await _encrypt(upload, engine, ciphers)
    if stored:
        return stored
    if grant.form:
        _check_form(upload)
    if not upload.upload_id:
        await engine.persist(upload, lambda: examine(upload, engine))
        error = grant.limits.type_refusal(upload.file.name, upload.target.content_type)
        if error:
            raise error
    return None


async def _place(
    upload: "Upload", engine: "Engine", grant: "Grant", ciphers: "Ciphers | None"
) -> "Stored | None":
    """Wait until no other tab of this browser sends the same file, then set the upload's key.

    Returns:
        The `Stored` data of the object, if another tab or an earlier page has stored the file;
        otherwise `None`.
    """
    target, journal = upload.target, engine.journal
    if upload.key and not upload.is_single and upload.has_begun() and upload.is_lasting:
        await journal.reclaim(upload)
    if upload.is_lasting and not upload.upload_id:
        sent = await journal.adopt(upload)
        if sent:
            trusts = not engine.awaits_receipt()
            found = sent.key, sent.crc64, sent.salt
            stored = await _recognise(upload, engine, ciphers, *found, trusts=trusts)
            if stored:
                return stored
    if target.crc64:
        found = target.key, target.crc64, target.salt
        stored = await _recognise(upload, engine, ciphers, *found, trusts=False)
        if stored:
            return stored
        target.restart()  # another file, or somebody has deleted the object
    if upload.check.verdict and not (upload.upload_id or _name_fits(upload)):
        target.leave_key()  # the checks have given the file another name
    if not upload.key:
        target.assign(key_for(upload, engine, grant.prefix))
    return None


async def _recognise(
    upload: "Upload",
    engine: "Engine",
    ciphers: "Ciphers | None",
    key: str,
    crc64: str,
    salt: str,
    *,
    trusts: bool,
) -> "Stored | None":
    """Compare this file with an object that another tab or an earlier page has stored.

    If the CRC-64 is the same and the object is still there, the upload gets the key of the object.

    Args:
        key: the key of the object.
        crc64: the CRC-64 of the object in decimal.
        salt: the salt of the object's data key; empty if the object is not encrypted.
        trusts: whether the object counts as there if the server offers no receipts.

    Returns:
        The `Stored` data of the object; `None` if the file has to be sent.
    """
    target = upload.target
    own = target.key
    before = target.cipher, target.salt
    if not await _is_same(upload, engine, ciphers, crc64, salt):
        target.encrypt(*before)
        return None
    target.assign(key)
    is_there = trusts or await already_stored(upload, engine, crc64=int(crc64))
    target.assign(own)
    if not is_there:
        target.encrypt(*before)
        return None
    target.searched(key)
    return Stored("", crc64, "")


async def _is_same(
    upload: "Upload", engine: "Engine", ciphers: "Ciphers | None", crc64: str, salt: str
) -> bool:
    """Return whether this file, encrypted with the key of a salt, has a CRC-64."""
    cipher = ciphers.cipher(salt) if ciphers and ciphers.knows(salt) else None
    if bool(cipher) != bool(ciphers or salt):
        return False  # one of the two is encrypted, or with a key that this page does not know
    upload.target.encrypt(cipher, salt)
    ours = str(await engine.crc64(upload, Piece(upload.file, 0, upload.file.size)))
    return ours == crc64 and await is_checked(upload, engine, ours)


def _can_continue(upload: "Upload", grant: "Grant", ciphers: "Ciphers | None") -> bool:
    """Return whether the parts that OSS has can be parts of the object that is to be stored."""
    salt = upload.target.salt
    is_readable = ciphers.knows(salt) if ciphers else not salt
    return is_readable and not grant.form and upload.progress.made == upload.made


async def _encrypt(upload: "Upload", engine: "Engine", ciphers: "Ciphers") -> "Stored | None":
    """Give an upload the key with which its file is encrypted.

    The key stays for as long as the same bytes are sent. If the file is sent again from its first
    byte, it gets another key, because the file may have changed meanwhile: two texts under one key
    would reveal their difference.

    Returns:
        The `Stored` data of the object, if an earlier page has stored the file under another key;
        otherwise `None`.
    """
    target = upload.target
    if target.cipher and upload.has_begun():
        return None
    is_new = not (target.cipher or target.maybe_stored)
    if ciphers.knows(target.salt) and (is_new or target.maybe_stored):
        target.encrypt(ciphers.cipher(target.salt), target.salt)
        if is_new or upload.upload_id:
            return None
        stored = await already_stored(upload, engine)
        if stored:
            return stored
    salt = ciphers.new_salt()
    target.encrypt(ciphers.cipher(salt), salt)
    return None


def headers_of(upload: "Upload", *, may_be_taken: bool) -> "list[Header]":
    """Return the headers of PutObject or InitiateMultipartUpload for this upload.

    The headers describe the object, for example its content type. If overwriting is not allowed,
    the result also contains the header that forbids overwriting.

    Args:
        may_be_taken: whether another tab or device may have stored an object under the key.
    """
    headers = object_headers(
        upload.options,
        name=upload.file.name,
        content_type=upload.target.content_type,
        sha256=upload.sha256,
    )
    if upload.target.cipher:
        size = None if upload.is_stream else upload.file.size
        part_size = upload.progress.part_size
        headers += encryption_headers(upload.target.cipher, size=size, part_size=part_size)
    return headers + overwrite_headers(upload, may_be_taken=may_be_taken)


def overwrite_headers(upload: "Upload", *, may_be_taken: bool) -> "list[Header]":
    """Return a list with the header that forbids overwriting an existing object.

    The list is empty if overwriting is allowed.
    InitiateMultipartUpload and CompleteMultipartUpload both need the header.

    Args:
        may_be_taken: whether another tab or device may have stored an object under the key.
    """
    policy = upload.options.same_name
    forbids = policy == REFUSE or (policy == KEEP_BOTH and may_be_taken)
    return [FORBID_OVERWRITE] if forbids and not upload.target.may_replace else []


async def _admit(upload: "Upload", engine: "Engine") -> "Grant":
    """Check a file against the limits of the grant, and return the grant.

    Raises:
        FileTooLarge, WrongType: the grant does not allow the file.
        NoForm: the grant has only forms, which cannot carry the upload.
        GrantRefused: the server gave no credentials.
    """
    await engine.journal.load()
    grant = await engine.keeper.get()
    error = grant.limits.refusal(upload.file)
    if error:
        raise error
    upload.target.require_form(bool(grant.form))
    if grant.form:
        _check_form(upload)
    return grant


def _check_form(upload: "Upload") -> None:
    """Check that a form can carry the upload, whose options may come from an unfinished upload.

    Raises:
        NoForm: a form cannot carry the upload.
    """
    file, has_tags = upload.file, bool(upload.options.tags)
    check_form(f"{file.path}{file.name}", has_tags=has_tags, is_stream=upload.is_stream)


async def _remove_parts(upload: "Upload", engine: "Engine") -> None:
    """Remove the parts of an earlier page, which cannot be continued. The file starts again."""
    await abort(upload, engine)
    upload.target.restart()
    upload.record.save_as("")
    upload.progress.plan(0)  # with encryption, a part begins with a block


async def _reserve_quota(upload: "Upload", engine: "Engine") -> "Grant":
    """Reserve quota for the file of an upload, and return the present grant.

    Raises:
        QuotaExceeded: the file is larger than the remaining quota.
        GrantRefused: the server gave no credentials.
    """
    grant = await engine.keeper.get()
    engine.quota.granted(grant.left)
    if engine.quota.take(upload.number, upload.file.size):
        return grant
    grant = await engine.keeper.renewed()
    engine.quota.granted(grant.left)
    if not engine.quota.take(upload.number, upload.file.size):
        raise QuotaExceeded(f"{engine.quota.left().facts()} left, {upload.file.size} bytes needed")
    return grant


def key_for(upload: "Upload", engine: "Engine", prefix: str) -> str:
    """Return a new object key for an upload.

    Args:
        prefix: the key prefix in the grant.

    Raises:
        NameTooLong: the folders and the name of the file do not fit into a key.
    """
    file, folder = upload.file, upload.options.folder
    try:
        if upload.options.same_name != KEEP_BOTH:
            return named_key(prefix, file.name, path=in_folder(folder, file.path))
        return object_key(
            prefix + safe_path(folder),
            file.name,
            at_s=engine.keeper.server_now_s(),
            random_hex=upload.target.folder_id or engine.ports.random.hex(16),
            path=file.path,
        )
    except ValueError as error:
        raise NameTooLong(str(error))


async def examine(upload: "Upload", engine: "Engine") -> None:
    """Set the content type of the object and, if the options require it, the SHA-256 of the file.

    Raises:
        FileUnreadable: the file is gone or has changed, or the page may not read it.
    """
    content_type = upload.options.content_type
    if not content_type:
        content_type = content_type_of(upload.file.content_type, await upload.file.head())
    sha256 = upload.sha256
    may_tell = not (
        upload.is_stream or upload.target.cipher
    )  # the hash tells who has the same file
    if upload.options.sha256 and may_tell and not sha256:
        sha256 = await engine.ports.checksum.sha256(upload.file)
    upload.target.describe(content_type=content_type, sha256=sha256)


def _name_fits(upload: "Upload") -> bool:
    """Return whether the key of an upload ends with the name of the file that is sent."""
    name = upload.key.split("/")[-1]
    size = max(len(name.encode()), MIN_NAME_BYTES)  # the name is cut if the folders are long
    return safe_name(upload.file.name, max_bytes=size) == name
