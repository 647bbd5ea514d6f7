-- Whose grant a link obtained: of an organization's installation another person's can be the natural one later. Null in
-- what an older process stored.
alter table link_accounts add column actor text, add column external_user_id text;
