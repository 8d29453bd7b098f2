-- The roles of least privilege, for whoever installs segdiff: run it as a superuser in the database that segdiff looks
-- after, before `segdiff migrate`. It may be run again. Then give owner and worker their passwords:
--     psql -f ops-runbooks/roles.sql app
--     psql -c '\password segdiff_owner' -c '\password segdiff_worker' app
-- What worker and reader may is in src/main/resources/db/migration/afterMigrate.sql: every `segdiff migrate` sees to it.
do $$
begin
    -- Owns the schema and migrates it.
    if to_regrole('segdiff_owner') is null then
        create role segdiff_owner login;
    end if;
    -- Runs the jobs, and everything else but migrations.
    if to_regrole('segdiff_worker') is null then
        create role segdiff_worker login;
    end if;
    -- Nobody by itself: grant it to the applications that read segments.
    if to_regrole('segdiff_reader') is null then
        create role segdiff_reader nologin;
    end if;
    -- Nobody: the triggers of audited tables have its rights, which are to write to the log.
    if to_regrole('segdiff_auditor') is null then
        create role segdiff_auditor nologin;
    end if;
end $$;

-- The functions that readers call have the owner's rights, and read snapshots, which belong to the worker that made them.
grant segdiff_worker to segdiff_owner;
-- Hands the triggers over.
grant segdiff_auditor to segdiff_owner;
-- Sees how late standbys are, what the archiver has done, and who holds back vacuum; no rows.
grant pg_monitor to segdiff_worker;

create schema if not exists segdiff authorization segdiff_owner;
create schema if not exists segdiff_trash authorization segdiff_owner;
