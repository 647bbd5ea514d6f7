-- What began at a platform belongs to nobody until it is claimed.
alter table pending_installs alter column owner drop not null;
