-- Newest first by product, at any depth and however rare the product is: no index on an array keeps an order.
create table installation_products (
  product text not null,
  created_at timestamptz(3) not null,
  installation_id uuid not null references installations (id) on delete cascade,
  primary key (product, created_at, installation_id)
);
--> statement-breakpoint
create index installation_products_installation on installation_products (installation_id);
--> statement-breakpoint
insert into installation_products (product, created_at, installation_id)
  select distinct unnest(products), created_at, id from installations;
--> statement-breakpoint
create function keep_installation_products() returns trigger language plpgsql as $$
begin
  delete from installation_products where installation_id = new.id and product <> all (new.products);
  insert into installation_products (product, created_at, installation_id)
    select distinct unnest(new.products), new.created_at, new.id on conflict do nothing;
  return null;
end
$$;
--> statement-breakpoint
create trigger installations_products_inserted after insert on installations
  for each row execute function keep_installation_products();
--> statement-breakpoint
create trigger installations_products_changed after update of products on installations
  for each row when (old.products is distinct from new.products)
  execute function keep_installation_products();
--> statement-breakpoint
drop index installations_products;
