-- What happened to it last: a fixed word of ours.
alter table webhook_deliveries add column last_error text;
--> statement-breakpoint
-- Arrived ones are most of it as well; dead ones wait for an operator.
drop index webhook_deliveries_due;
--> statement-breakpoint
create index webhook_deliveries_due on webhook_deliveries (status, due_at) where status in ('apply', 'forward', 'dead');
