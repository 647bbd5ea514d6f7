-- What a person looks for: the beginning of a name, in any case. Of a name a part, since an entry of an index may not be long.
create index installations_name_folded on installations (lower(left(external_org_name, 64)) text_pattern_ops);
--> statement-breakpoint
create index installations_owner_folded on installations (lower(owner) text_pattern_ops);
