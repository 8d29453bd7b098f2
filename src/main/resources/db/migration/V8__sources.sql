-- With whose rights a source is read, and whose relation it was when it was registered.

alter table segdiff.segments
    add column registered_by name,
    add column source_owner  name,
    add column row_security  boolean not null default false;
comment on column segdiff.segments.registered_by is 'The role that registered the segment: its source is read with the rights of this role. Null: of the owner of the source.';
comment on column segdiff.segments.source_owner is 'Who owned the source when it was read first: a relation of that name which belongs to another is not read until a person accepts it.';
comment on column segdiff.segments.row_security is 'The rows that row level security shows to that role are meant; if not, a source with such a filter fails.';

-- A name without a schema has always meant public, and a temporary relation of that name must never be meant. Who
-- registered a segment is in the audit log for as long as that reaches back.
update segdiff.segments s
set source = (select case cardinality(p) when 1 then format('public.%I', p[1]) else format('%I.%I', p[1], p[2]) end
              from parse_ident(s.source) p),
    registered_by = (select l.role from segdiff.audit_log l
                     where l.relation = 'segdiff.segments'::regclass and l.operation = 'INSERT'
                       and l.key = jsonb_build_object('customer_id', s.customer_id, 'segment_id', s.segment_id)
                     order by l.audit_id desc limit 1)
where s.source is not null;

alter table segdiff.segments alter column registered_by set default session_user;

-- A publication for all tables refuses to delete from a table that does not say what its rows are known by.
alter table segdiff.audit_log_default replica identity full;
