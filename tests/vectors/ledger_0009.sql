-- A ledger in SQLite, with one upload, as the previous release has written it.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
version_num VARCHAR(32) NOT NULL,
CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0009');
CREATE TABLE deliveries (
id VARCHAR(40) NOT NULL,
target VARCHAR(200) NOT NULL,
event TEXT NOT NULL,
attempts BIGINT NOT NULL,
next_at DATETIME,
made_at DATETIME NOT NULL,
outcome VARCHAR(100) NOT NULL,
CONSTRAINT pk_deliveries PRIMARY KEY (id)
);
CREATE TABLE grants (
session_name VARCHAR(64) NOT NULL,
principal VARCHAR(16) NOT NULL,
key_last4 VARCHAR(4) NOT NULL,
issued_at DATETIME NOT NULL,
expires_at DATETIME NOT NULL,
CONSTRAINT pk_grants PRIMARY KEY (session_name),
CONSTRAINT fk_grants_principal FOREIGN KEY(principal) REFERENCES principals (hash)
);
CREATE TABLE leases (
name VARCHAR(40) NOT NULL,
holder VARCHAR(40) NOT NULL,
until DATETIME NOT NULL,
CONSTRAINT pk_leases PRIMARY KEY (name)
);
CREATE TABLE principals (
hash VARCHAR(16) NOT NULL,
label VARCHAR(200) NOT NULL,
prefix VARCHAR(100) NOT NULL,
first_seen_at DATETIME NOT NULL,
granted_until DATETIME NOT NULL,
reconciled_at DATETIME,
revoked_at DATETIME, id TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_principals PRIMARY KEY (hash),
CONSTRAINT uq_principals_prefix UNIQUE (prefix)
);
INSERT INTO "principals" VALUES('616c696365000000','Alice','uploads/alice-x/','2026-03-14 09:26:53.000000','2026-03-14 09:26:53.000000',NULL,NULL,'');
CREATE TABLE quotas (
principal VARCHAR(16) NOT NULL,
bytes_day BIGINT,
objects_day BIGINT,
bytes_total BIGINT,
objects_total BIGINT,
CONSTRAINT pk_quotas PRIMARY KEY (principal),
CONSTRAINT fk_quotas_principal FOREIGN KEY(principal) REFERENCES principals (hash)
);
CREATE TABLE receipts (
"key" VARCHAR(1024) NOT NULL,
principal VARCHAR(16) NOT NULL,
size BIGINT NOT NULL,
crc64 VARCHAR(20) NOT NULL,
etag VARCHAR(100) NOT NULL,
content_type VARCHAR(200) NOT NULL,
stored_at DATETIME NOT NULL,
recorded_at DATETIME NOT NULL,
source VARCHAR(10) NOT NULL,
request_id VARCHAR(64) NOT NULL,
deleted_at DATETIME,
undo_id VARCHAR(32),
undo_how VARCHAR(1024),
undo_until DATETIME, name VARCHAR(1024) DEFAULT '' NOT NULL, path VARCHAR(1024) DEFAULT '' NOT NULL, checks JSON,
CONSTRAINT pk_receipts PRIMARY KEY ("key"),
CONSTRAINT fk_receipts_principal FOREIGN KEY(principal) REFERENCES principals (hash),
CONSTRAINT uq_receipts_undo_id UNIQUE (undo_id)
);
INSERT INTO "receipts" VALUES('uploads/alice-x/2026-03-14/r/x.txt','616c696365000000',5,'4041730234','5D41','text/plain','2026-03-14 09:26:53.000000','2026-03-14 09:26:53.000000','page','',NULL,NULL,NULL,NULL,'x.txt','2026-03-14/r/x.txt',NULL);
CREATE TABLE refusals (
"key" VARCHAR(1024) NOT NULL,
principal VARCHAR(16) NOT NULL,
etag VARCHAR(100) NOT NULL,
size BIGINT NOT NULL,
crc64 VARCHAR(20) NOT NULL,
file_size BIGINT NOT NULL,
file_crc64 VARCHAR(20) NOT NULL,
request_id VARCHAR(64) NOT NULL,
refused_at DATETIME NOT NULL,
trash_key VARCHAR(1024),
trash_until DATETIME,
CONSTRAINT pk_refusals PRIMARY KEY ("key"),
CONSTRAINT fk_refusals_principal FOREIGN KEY(principal) REFERENCES principals (hash)
);
CREATE TABLE shares (
id VARCHAR(32) NOT NULL,
principal VARCHAR(16) NOT NULL,
"key" VARCHAR(1024) NOT NULL,
made_at DATETIME NOT NULL,
expires_at DATETIME NOT NULL,
disposition VARCHAR(10) NOT NULL,
process TEXT NOT NULL,
note VARCHAR(200) NOT NULL,
CONSTRAINT pk_shares PRIMARY KEY (id),
CONSTRAINT fk_shares_principal FOREIGN KEY(principal) REFERENCES principals (hash)
);
CREATE TABLE sign_outs (
session VARCHAR(64) NOT NULL,
until DATETIME NOT NULL,
CONSTRAINT pk_sign_outs PRIMARY KEY (session)
);
CREATE TABLE usage (
principal VARCHAR(16) NOT NULL,
day VARCHAR(10) NOT NULL,
bytes BIGINT NOT NULL,
objects BIGINT NOT NULL,
CONSTRAINT pk_usage PRIMARY KEY (principal, day),
CONSTRAINT fk_usage_principal FOREIGN KEY(principal) REFERENCES principals (hash)
);
INSERT INTO "usage" VALUES('616c696365000000','2026-03-14',5,1);
INSERT INTO "usage" VALUES('616c696365000000','total',5,1);
CREATE INDEX ix_deliveries_next_at ON deliveries (next_at);
CREATE INDEX ix_principals_granted_until ON principals (granted_until);
CREATE INDEX ix_grants_principal_issued_at ON grants (principal, issued_at);
CREATE INDEX ix_receipts_principal_recorded_at ON receipts (principal, recorded_at);
CREATE INDEX ix_receipts_undo_until ON receipts (undo_until);
CREATE INDEX ix_shares_principal_made_at ON shares (principal, made_at);
CREATE INDEX ix_receipts_recorded_at ON receipts (recorded_at);
CREATE INDEX ix_receipts_principal_crc64 ON receipts (principal, crc64);
CREATE INDEX ix_sign_outs_until ON sign_outs (until);
CREATE INDEX ix_refusals_trash_until ON refusals (trash_until);
CREATE INDEX ix_refusals_principal_refused_at ON refusals (principal, refused_at);
COMMIT;
