"""Prepare an upload before its first byte is sent, in five steps.

`_admit` compares the file with the limits of the grant. `_place` gives the upload a key, and finds
out whether the file is already stored or begun. Then quota is reserved. `_encrypt` chooses the data
key, and `_describe` the content type.
"""

from ossferry_uploader.oss.keys import (
    MIN_NAME_BYTES,
    in_folder,
    named_key,
    object_key,
    safe_name,
    safe_path,
)
from ossferry_uploader.oss.replies import Stored
from ossferry_uploader.transfer.errors import NameTooLong, NoForm, ServerRefused
from ossferry_uploader.transfer.options import KEEP_BOTH
from ossferry_uploader.transfer.sending.encryption import Ciphers, ciphers_for
from ossferry_uploader.transfer.sending.sniff import content_type_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.sending.client import Client
    from ossferry_uploader.transfer.upload import Upload

OFFERED, WANTED = "objects", "skip-identical"  # features of a grant
VARIABLE = "${"  # OSS replaces `${filename}` in the key of a form


class Prepared:
    """The result of preparing an upload: it can be sent, or its file is already stored.

    Attributes:
        grant: the grant with whose limits the file was compared.
        ciphers: makes the data keys; `None` if the file is sent without encryption.
        stored: ETag, CRC-64 and request id of the object if the file is already stored: by another
            tab, by an earlier page, or as an identical object; `None` if the file has to be sent.
    """

    def __init__(self, grant: "Grant", ciphers: "Ciphers | None") -> None:
        self.grant = grant
        self.ciphers = ciphers
        self.stored: Stored | None = None


async def prepare(oss: "Client") -> Prepared:
    """Check a file against the limits of the grant, and prepare the object that will be stored.

    The upload gets a new object key, or the key of an unfinished upload of the same file. If the
    file is already stored, or if the unfinished upload is of a picture that has to be edited first,
    nothing else is prepared. Otherwise, reserve quota, and choose the data key and the content
    type. Temporary errors are retried.

    Args:
        oss: the client of the upload.

    Raises:
        WrongSize, WrongType: the grant does not allow the file.
        NameTooLong: the folders and the name of the file do not fit into an object key.
        NoForm: the server gave only a signed form (PostObject), but the upload needs credentials,
            for example because the file is a stream.
        FileUnreadable: the file cannot be read.
        GrantRefused: the server gave no credentials.
    """
    grant = await oss.grant()
    _admit(oss.upload, grant)
    prepared = Prepared(grant, await ciphers_for(grant, oss.engine.ports))
    prepared.stored = await _place(oss, prepared)
    if oss.upload.lacks_edit:
        return prepared
    prepared.stored = prepared.stored or await _find_identical(oss, grant)
    if not prepared.stored:
        prepared.grant = await oss.reserve()
        prepared.stored = await _encrypt(oss, prepared)
    if not prepared.stored:
        await _describe(oss, prepared.grant)
    return prepared


def _admit(upload: "Upload", grant: "Grant") -> None:
    """Check a file against the limits of the grant.

    Raises:
        WrongSize, WrongType: the grant does not allow the file.
        NoForm: the grant has only forms, which cannot carry the upload.
    """
    error = grant.limits.refusal(upload.file)
    if error:
        raise error
    upload.target.needs_form = bool(grant.form)
    _check_form(upload)


def _check_form(upload: "Upload") -> None:
    """Check that a form can carry the upload, if it needs one. Its options may be of a record.

    Raises:
        NoForm: the size of the file is unknown, the object is to have tags, or the name contains
            `${`, which OSS would replace.
    """
    if not upload.target.needs_form:
        return
    if upload.is_stream:
        raise NoForm("a form needs the size of the file, and streams have none")
    if upload.options.tags:
        raise NoForm("a form cannot carry tags")
    if VARIABLE in f"{upload.file.path}{upload.name}":
        raise NoForm(f"OSS would replace {VARIABLE} in the name")


async def _place(oss: "Client", prepared: Prepared) -> "Stored | None":
    """Wait until no other tab of this browser sends the same file, then set the upload's key.

    Returns:
        The `Stored` data of the object, if another tab or an earlier page has stored the file;
        otherwise `None`.
    """
    upload, journal = oss.upload, oss.engine.journal
    target = upload.target
    target.is_held = bool(prepared.grant.bucket.held)
    if upload.upload_id and upload.is_lasting:
        await journal.reclaim(upload)
    if upload.is_lasting and not upload.upload_id:
        sent = await journal.adopt(upload)
        if upload.lacks_edit:
            return None
        if sent:
            trusts = not oss.engine.awaits_receipt()
            facts = sent.key, sent.crc64, sent.salt
            stored = await _recognise(oss, prepared.ciphers, *facts, trusts=trusts)
            if stored:
                return stored
    if target.crc64:
        facts = target.key, target.crc64, target.salt
        stored = await _recognise(oss, prepared.ciphers, *facts, trusts=False)
        if stored:
            return stored
        target.restart()  # another file, or somebody has deleted the object
    if upload.check.verdict and not (upload.upload_id or _name_fits(upload)):
        target.leave_key()  # the checks have given the file another name
    if not upload.key:
        target.key = key_for(upload, oss.engine, prepared.grant.prefix)
    return None


async def _recognise(
    oss: "Client", ciphers: "Ciphers | None", key: str, crc64: str, salt: str, *, trusts: bool
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
    target = oss.upload.target
    before = target.key, target.cipher, target.salt
    if await _is_same(oss, ciphers, crc64, salt):
        target.key = key
        if trusts or await oss.already_stored(int(crc64)):
            target.was_searched = target.identical = True
            return Stored("", crc64, "")
    target.key, target.cipher, target.salt = before
    return None


async def _is_same(oss: "Client", ciphers: "Ciphers | None", crc64: str, salt: str) -> bool:
    """Return whether this file, encrypted with the key of a salt, has a CRC-64."""
    cipher = ciphers.cipher(salt) if ciphers and ciphers.knows(salt) else None
    if bool(cipher) != bool(ciphers or salt):
        return False  # one of the two is encrypted, or with a key that this page does not know
    oss.upload.target.cipher, oss.upload.target.salt = cipher, salt
    ours = str(await oss.crc64())
    return ours == crc64 and await oss.is_checked(ours)


async def _find_identical(oss: "Client", grant: "Grant") -> "Stored | None":
    """Search for an object of the same person with the same folders, name, size and CRC-64.

    CRC-64 detects accidental differences, but a person can construct another file with the same
    CRC-64. So a file is compared only with objects of the same person. The comparison must be
    enabled in the options or in the grant. The page searches at most once for each upload. If there
    is an identical object, the upload gets its key.

    Returns:
        The `Stored` data of the object; `None` if no identical object was found.
    """
    upload, target = oss.upload, oss.upload.target
    is_late = upload.is_stream or upload.upload_id or target.was_searched or target.replaces
    is_wanted = upload.options.skip_identical or WANTED in grant.features
    is_encrypted = grant.encryption or target.cipher  # two objects of a file have different bytes
    if is_late or is_encrypted or not (is_wanted and OFFERED in grant.features):
        return None
    try:
        path = path_for(upload, grant.prefix)
    except ValueError:
        return None  # folders and name do not fit into a key
    _show_search(upload, True)
    try:
        crc64 = str(await oss.crc64())
        identical = oss.engine.ports.receipts.identical
        details = upload.options.details()
        key = await oss.repeat(identical, path, upload.file.size, crc64, details)
    except ServerRefused:
        key = crc64 = ""  # the file can be sent without an answer
    finally:
        _show_search(upload, False)
    target.was_searched = True
    if not key:
        return None
    target.key, target.identical = key, True
    return Stored("", crc64, "")


def _show_search(upload: "Upload", is_searching: bool) -> None:
    upload.target.is_searching = is_searching
    upload.changed()


async def _encrypt(oss: "Client", prepared: Prepared) -> "Stored | None":
    """Give an upload the key with which its file is encrypted.

    Parts in OSS that are encrypted with an unknown key, or are of another file, are removed. The
    key stays for as long as the same bytes are sent. If the file is sent again from its first byte,
    it gets another key, because the file may have changed meanwhile: two texts under one key would
    reveal their difference.

    Returns:
        The `Stored` data of the object, if another tab or an earlier page has stored the file;
        otherwise `None`.
    """
    upload, ciphers = oss.upload, prepared.ciphers
    while upload.upload_id and not _can_continue(upload, prepared):
        await oss.abort(waits=True)
        upload.target.restart()
        upload.record.name = ""
        upload.progress.part_size = 0  # with encryption, a part begins with a block
        stored = await _place(oss, prepared)
        if stored:
            return stored
    target = upload.target
    if not ciphers or (target.cipher and upload.has_begun()):
        return None
    is_new = not (target.cipher or target.maybe_stored)
    if ciphers.knows(target.salt) and (is_new or target.maybe_stored):
        target.cipher = ciphers.cipher(target.salt)
        if is_new or upload.upload_id:
            return None
        stored = await oss.already_stored()
        if stored:
            return stored
    target.salt = ciphers.new_salt()
    target.cipher = ciphers.cipher(target.salt)
    return None


def _can_continue(upload: "Upload", prepared: Prepared) -> bool:
    """Return whether the parts that OSS has can be parts of the object that is to be stored."""
    salt, ciphers = upload.target.salt, prepared.ciphers
    is_readable = ciphers.knows(salt) if ciphers else not salt
    return is_readable and not prepared.grant.form and upload.progress.made == upload.made


async def _describe(oss: "Client", grant: "Grant") -> None:
    """Set the content type of the object and, if the options require it, the SHA-256 of the file.

    Raises:
        FileUnreadable: the file is gone or has changed, or the page may not read it.
        WrongType: the grant does not allow the type.
        NoForm: the grant has only forms, which cannot carry the upload.
    """
    upload, target = oss.upload, oss.upload.target
    _check_form(upload)
    if upload.upload_id:
        return
    content_type = upload.options.content_type
    if not content_type:
        head = await oss.repeat(upload.file.head)
        content_type = content_type_of(upload.file.content_type, head)
    may_tell = not (upload.is_stream or target.cipher)  # the hash tells who has the same file
    if upload.options.sha256 and may_tell and not target.sha256:
        target.sha256 = await oss.repeat(oss.engine.ports.checksum.sha256, upload.file)
    target.content_type = content_type
    error = grant.limits.type_refusal(upload.name, content_type)
    if error:
        raise error


def key_for(upload: "Upload", engine: "Engine", prefix: str) -> str:
    """Return the object key for a new upload, which depends on the upload's options and its file.

    Args:
        prefix: the key prefix in the grant.

    Raises:
        NameTooLong: the folders and the name of the file do not fit into an object key.
    """
    file, folder = upload.file, upload.options.folder
    try:
        if upload.options.same_name != KEEP_BOTH:
            return named_key(prefix, upload.name, path=in_folder(folder, file.path))
        return object_key(
            prefix + safe_path(folder),
            upload.name,
            at_s=engine.keeper.server_now_s(),
            random_hex=upload.target.folder_id or engine.ports.random.hex(16),
            path=file.path,
        )
    except ValueError as error:
        raise NameTooLong(str(error))


def path_for(upload: "Upload", prefix: str) -> str:
    """Return the path of a new upload in the server's lists: the key without its random parts.

    Args:
        prefix: the key prefix in the grant: the two folders of the person, and the folder to which
            the application limits the grant.

    Raises:
        ValueError: the folders and the name do not fit into an object key.
    """
    folders = "/".join(prefix.split("/")[2:-1])
    for more in (upload.options.folder, upload.file.path):
        folders = in_folder(folders, more)
    return named_key("", upload.name, path=folders)


def _name_fits(upload: "Upload") -> bool:
    """Return whether the key of an upload ends with the name of the file that is sent."""
    name = upload.key.split("/")[-1]
    size = max(len(name.encode()), MIN_NAME_BYTES)  # the name is cut if the folders are long
    return safe_name(upload.name, max_bytes=size) == name
