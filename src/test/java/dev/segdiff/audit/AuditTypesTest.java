package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.TableName;
import dev.segdiff.support.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the type of a column: a change from one value to any other is recorded, and undo brings back each bit. */
class AuditTypesTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    private AuditFixture audit;

    /** A table with a column of every type there is, and rows with all values that are known of each. */
    @BeforeEach
    void everyType() {
        audit = new AuditFixture(db);
        db.execute(
                "create type mood as enum ('sad', 'happy')",
                "create type liar as enum ('one', 'two')",
                "create function lie(liar) returns json language sql as 'select ''{\"lie\": 1}''::json'",
                "create cast (liar as json) with function lie(liar)",
                "create function fib(liar) returns text language sql immutable as 'select ''fib''::text'",
                "create cast (liar as text) with function fib(liar)",
                "create type address as (street text, number numeric, doc json, past int[], at double precision)",
                "create type liars as (one liar, many liar[])",
                "create function lie(liars) returns json language sql as 'select ''7''::json'",
                "create cast (liars as json) with function lie(liars)",
                "create type amounts as range (subtype = numeric)",
                "create domain positive as numeric check (value > 0)",
                "create domain object as jsonb check (jsonb_typeof(value) <> 'string')",
                "create domain raw as json",
                "create domain bounds as int[]",
                "create domain nested as positive",
                "create domain place as address",
                "create domain markup as xml",
                "create domain code as char(3)");
        for (String extension : List.of("hstore", "citext", "ltree", "cube", "isn")) {
            if (db.value("select count(*) from pg_available_extensions where name = '%s'".formatted(extension))
                    .equals("1")) {
                db.execute("create extension " + extension);
            }
        }
        db.execute(LITERALS, VALUES, TABLE);
    }

    private static final String LITERALS = """
            create table literal (type text, literal text);
            insert into literal select type, unnest(literals) from (values
                ('bool', array['t', 'f']),
                ('numeric', array['1.0', '1.00', 'NaN', '-Infinity', '0', '0.000', '123456789012345678901234567890.1234567890', '1e-20']),
                ('float4', array['0', '-0', 'NaN', 'Infinity', '0.1', '3.4e38', '1e-45']),
                ('float8', array['0', '-0', 'NaN', '-Infinity', '0.1', '1e300', '5e-324', '0.30000000000000004']),
                ('int8', array['9223372036854775807', '-9223372036854775808', '0']),
                ('money', array['1.10', '-99.99', '0', '92233720368547758.07']),
                ('json', array['null', '{"a":1}', '{ "a" : 1, "a" : 1 }', '1.0', '1.00', '"null"', '"x"', '[]']),
                ('jsonb', array['null', '1.0', '1.00', '{"a": [1, null]}', '"null"', '"1.0"', '[]']),
                ('xml', array['<a/>', '<?xml version="1.0" encoding="UTF-8"?><a/>', 'x<b>&lt;</b>', '<?xml version="1.0"?>' || chr(10) || '<a/>']),
                ('text', array['', 'null', 'NULL', '{}', 'a "b" \\ c', 'é' || chr(9) || chr(10) || '😀', 'a', 'A']),
                ('bpchar', array['', 'a', 'a  ', 'null']),
                ('citext', array['a', 'A']),
                ('bytea', array['\\x00ff', '', '\\xdeadbeef']),
                ('date', array['infinity', '-infinity', '0044-03-15 BC', '5874897-12-31', '4714-11-24 BC']),
                ('timestamp', array['infinity', '-infinity', '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999', '0001-01-01 00:00:00.000001']),
                ('timestamptz', array['infinity', '-infinity', '4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00', '2026-11-01 01:30:00.1+00']),
                ('time', array['24:00:00', '23:59:59.999999', '00:00']),
                ('timetz', array['24:00:00+15:59', '12:00:00.000001-03:30', '12:00:00.000001-02:30']),
                ('interval', array['1 mon -1 day 00:00:00.1', '-1 mon 1 day -00:00:00.000001', '30 days', '1 mon', '720 hours', '-178000000 years']),
                ('bit', array['', '0', '00', '101']),
                ('varbit', array['', '0', '00', '101']),
                ('point', array['(0,-0)', '(-0,0)', '(1e-300,Infinity)', '(NaN,0.1)']),
                ('tsvector', array['', 'a:1 b:2A', 'a b', '''it''''s'':3B']),
                ('tsquery', array['', 'a & !b', 'a <2> b:*A']),
                ('inet', array['10.0.0.1', '10.0.0.1/8', '::1']),
                ('int4range', array['[1,5)', 'empty', '(,)', '[1,)']),
                ('numrange', array['[1.0,2)', '[1.00,2)', 'empty', '(1.0,2]', '(,)']),
                ('amounts', array['[1.0,2)', '[1.00,2)', 'empty']),
                ('tstzrange', array['[-infinity,infinity]', '(,infinity)', 'empty']),
                ('nummultirange', array['{}', '{[1.0,2)}', '{[1.00,2)}']),
                ('int2vector', array['1 2', '', '3']),
                ('oidvector', array['1 2', '', '3']),
                ('regproc', array['now', '1397', '0']),
                ('regoper', array['551', '0']),
                ('regclass', array['pg_class', 'literal', '0', '4711']),
                ('regtype', array['mood', 'int4[]']),
                ('char', array['a', '', ' ']),
                ('address', array['("a, b",1.0,"{ }","[0:1]={5,6}",-0)', '("a, b",1.00,"{}","{5,6}",0)', '(,,,,)']),
                ('liars', array['(one,"{one,two}")', '(two,"[0:0]={two}")', '(,)']),
                ('bounds', array['[0:1]={5,6}', '{5,6}', '{}']),
                ('raw', array['null', '{ }', '{}', '"x"']),
                ('object', array['null', '{"a": 1.0}', '{"a": 1.00}', '[]']),
                ('hstore', array['a=>1, b=>NULL', 'a=>"1.0"', '']),
                ('aclitem', array['=r/' || quote_ident(current_user), quote_ident(current_user) || '=a*/' || quote_ident(current_user)])
            ) v (type, literals);
            insert into literal select t.type, l.literal from literal l join (values ('varchar', 'text'), ('positive', 'numeric'),
                ('nested', 'numeric'), ('place', 'address'), ('markup', 'xml'), ('code', 'bpchar')) t (type, like_type) on l.type = t.like_type;
            insert into literal select null, unnest(array['1', '0', 'a', 't', 'sad', 'happy', 'one', '2026-01-01', '1.5', '(1,2)',
                '((1,2),(3,4))', '{1,2,3}', '<(1,2),3>', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '192.168.0.0/24',
                '00000000-0000-0000-0000-000000000001', '16/B374D848', '10:20:10,14,15', 'pg_catalog', 'english', 'simple', 'int4',
                'YES', '9780393040029', '9790345246805', '97712345679', '1436-4522', '220356483481', 'now()', '+(integer,integer)', 'C', 'a.b.c', '$.a', '{}', '{[1,2)}', '[1,2)', 'empty'])
            """;

    /** What is not known is tried; arrays are made of what they hold, with bounds of all sorts. */
    private static final String VALUES = """
            create table kinds as
                select 'c' || row_number() over (order by t.oid) as name, t.oid as type, t.typname, format('%I.%I', n.nspname, t.typname) as type_name,
                    case when e.typarray = t.oid then e.oid end as element, null::text[] as literals
                from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
                left join pg_type e on e.oid = t.typelem left join pg_class ec on ec.oid = e.typrelid
                where t.typtype in ('b', 'd', 'e', 'r', 'm', 'c') and t.typisdefined and coalesce(c.relkind, 'c') = 'c'
                  and coalesce(ec.relkind, 'c') = 'c' and coalesce(e.typtype, 'b') <> 'p';
            create function can_be(expression text) returns boolean language plpgsql as $$
            begin
                execute 'select ' || expression;
                return true;
            exception when others then return false;
            end $$;
            update kinds k set literals = array(
                select e from literal l, format('%L::%s', l.literal, k.type_name) e
                where (l.type = k.typname or (l.type is null and not exists (select from literal o where o.type = k.typname))) and can_be(e))
            where k.element is null;
            update kinds k set literals = array(
                select format('array_fill(%s, array[1], array[%s])', e, place % 3)
                from kinds element, unnest(element.literals) with ordinality u (e, place) where element.type = k.element)
                || format('array[[null::%s]]', (select element.type_name from kinds element where element.type = k.element))
            where k.element is not null
            """;

    private static final String TABLE = """
            do $$
            begin
                execute (select format('create table every (id int primary key, %s)', string_agg(k.name || ' ' || k.type_name, ', ')) from kinds k);
                for row_number in 0..7 loop
                    execute (select format('insert into every (id, %s) values (%s, %s)', string_agg(k.name, ', '), row_number,
                                    string_agg(coalesce(k.literals[row_number % nullif(cardinality(k.literals), 0) + 1], 'null'), ', '))
                             from kinds k);
                end loop;
                insert into every values (8);
                create table before as table every;
            end $$
            """;

    private static final String DIFFERENT =
            "select count(*) from every e full join before b on b.id = e.id where not (e.* operator(pg_catalog.*=) b.*) or e.id is null or b.id is null";

    /** Moves each value of each column one row on, one row alone and the others together; what differs in no bit is no change. */
    private static final String TURN = """
            do $$
            declare
                kind record;
                part text;
                changed bigint;
                all_changed bigint := 0;
                recorded bigint := (select count(*) from segdiff.audit_log l where l.relation = 'every'::regclass);
            begin
                for kind in select * from kinds loop
                    foreach part in array array['e.id = 0', 'e.id > 0'] loop
                        execute format('update every e set %1$I = o.%1$I from before o where %2$s and o.id = (e.id + 1) %% 9 and not record_image_eq(row(e.%1$I), row(o.%1$I))', kind.name, part);
                        get diagnostics changed = row_count;
                        all_changed := all_changed + changed;
                    end loop;
                    if (select count(*) - recorded from segdiff.audit_log l where l.relation = 'every'::regclass) <> all_changed then
                        raise exception 'an update of a % is not recorded', kind.type_name;
                    end if;
                end loop;
            end $$
            """;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyValueOfEveryTypeComesBackBitByBit(boolean rowByRow) {
        assertThat(db.value("select count(*) from kinds where cardinality(literals) > 0"))
                .satisfies(known -> assertThat(Integer.parseInt(known)).isGreaterThan(150));
        audit.tables.enable(TableName.parse("every"), rowByRow, "tester");

        long turn = audit.transaction(
                "set local timezone = 'Asia/Kathmandu'; set local datestyle = 'ISO, DMY'; set local intervalstyle = 'sql_standard'; set local extra_float_digits = 0; set local bytea_output = 'escape'",
                TURN);
        assertThat(db.value(DIFFERENT)).isNotEqualTo("0");
        db.execute("create table turned as table every");
        assertThat(audit.undo(AuditFixture.transaction("every", turn)).conflicts())
                .isEmpty();
        assertThat(db.value(DIFFERENT)).isEqualTo("0");

        long gone = audit.transaction(
                "delete from every where id % 2 = 0",
                "insert into every (id) values (99), (2)", "update every set id = 98 where id = 99", "truncate every");
        assertThat(audit.undo(AuditFixture.transaction("every", gone)).conflicts())
                .isEmpty();
        assertThat(db.value(DIFFERENT)).isEqualTo("0");

        assertThat(audit.redo("every").conflicts()).isEmpty();
        assertThat(db.value("select count(*) from every")).isEqualTo("0");
    }
}
