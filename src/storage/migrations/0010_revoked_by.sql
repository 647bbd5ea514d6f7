-- Who wanted a revocation. Its row of the record is stored when it is finished, perhaps by another process.
alter table installations add column revoked_by jsonb;
