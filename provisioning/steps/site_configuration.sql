-- Sets some keys of the application's site configuration, removes others, and leaves every other byte as it was; and sets
-- flags of features, which it keeps in a table of their own.
--
-- The configuration is JSON with comments. It is cut into tokens of which none is lost, so that all of them in a row are
-- the text again; then only tokens of the members in question are exchanged. A key counts in the outermost object alone:
-- not inside another object, a string or a comment. Every change is a new row, as when a person saves; frontends look for
-- the newest one all the time. `portal.wish` is {"set": {key: value}, "unset": [key], "flags": {name: boolean}} in base64.
DO $portal$
DECLARE
  wish CONSTANT jsonb := convert_from(decode(current_setting('portal.wish'), 'base64'), 'UTF8');
  former text;
  edited text;
  flag text;
  is_on boolean;
BEGIN
  LOCK TABLE critical_and_site_config IN SHARE ROW EXCLUSIVE MODE; -- nobody saves in between
  SELECT contents INTO former FROM critical_and_site_config WHERE type = 'site' ORDER BY id DESC LIMIT 1;
  IF former IS NULL THEN -- a row of ours would keep the application from writing its own, with its log-in
    RAISE EXCEPTION 'the application has not written its first site configuration yet';
  END IF;

  WITH token AS ( -- a string, a comment of either kind, blanks, a bracket or separator, a number or word, anything else
    SELECT n, part[1] AS text, part[1] !~ '^(\s|//|/\*)' AS counts
    FROM regexp_matches(
      former,
      '"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|\s+|[{}\[\],:]|[^\s"{}\[\],:/]+|.',
      'g'
    ) WITH ORDINALITY AS found (part, n)
  ),
  nested AS ( -- a bracket that opens is as deep as what follows, one that closes as what surrounds it
    SELECT *, sum(CASE WHEN text IN ('{', '[') THEN 1 WHEN text IN ('}', ']') THEN -1 ELSE 0 END) OVER (ORDER BY n)
      AS depth
    FROM token
  ),
  numbered AS ( -- the comma after a member is the member's own
    SELECT *, count(*) FILTER (WHERE text = ',' AND depth = 1)
      OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS member
    FROM nested
  ),
  placed AS ( -- 1 is the key, 2 the colon, 3 where the value begins
    SELECT *, row_number() OVER (PARTITION BY member ORDER BY n) AS place
    FROM numbered
    WHERE counts AND depth > 0 AND NOT (text = '{' AND depth = 1)
  ),
  member AS (
    SELECT
      substring(min(text) FILTER (WHERE place = 1) FROM '^"(.*)"$') AS key,
      min(n) AS starts,
      min(n) FILTER (WHERE place = 3) AS value_starts,
      max(n) FILTER (WHERE NOT (text = ',' AND depth = 1)) AS value_ends,
      max(n) AS ends
    FROM placed
    GROUP BY member
    HAVING count(*) FILTER (WHERE place = 3) = 1
  ),
  kept AS (SELECT * FROM member WHERE NOT wish -> 'unset' ? key),
  missing AS ( -- as upstream's editor writes them, each on a line of its own
    SELECT string_agg(
      CASE WHEN position(E'\r\n' IN former) > 0 THEN E'\r' ELSE '' END || E'\n  ' || to_json(key) || ': ' || value,
      ',' ORDER BY key
    ) || CASE WHEN EXISTS (SELECT FROM kept) THEN ',' ELSE '' END AS text
    FROM jsonb_each(wish -> 'set') AS wanted (key, value)
    WHERE key NOT IN (SELECT key FROM kept)
  ),
  exchanged AS (
    SELECT
      token.n,
      CASE
        WHEN gone.key IS NOT NULL THEN ''
        WHEN token.n = changed.value_starts THEN (wish -> 'set' -> changed.key)::text
        WHEN changed.key IS NOT NULL THEN ''
        WHEN token.text = '{' AND token.depth = 1 THEN '{' || coalesce((SELECT text FROM missing), '')
        ELSE token.text
      END AS text
    FROM nested AS token
    LEFT JOIN member AS gone ON wish -> 'unset' ? gone.key AND (
      token.n BETWEEN gone.starts AND gone.ends OR (token.n = gone.starts - 1 AND token.text ~ '^\s')
    )
    LEFT JOIN kept AS changed ON wish -> 'set' ? changed.key AND token.n BETWEEN changed.value_starts AND changed.value_ends
  ),
  whole AS ( -- one object, from its first token to its last, and nothing that is only half there
    SELECT
      (array_agg(text ORDER BY n) FILTER (WHERE counts))[1] = '{'
      AND count(*) FILTER (WHERE counts AND depth <= 0) = 1
      AND (array_agg(depth ORDER BY n DESC))[1] = 0
      AND bool_and(text NOT IN ('"', '/')) AS is_so
    FROM nested
  )
  SELECT string_agg(exchanged.text, '' ORDER BY exchanged.n) INTO edited FROM exchanged, whole WHERE whole.is_so;

  IF edited IS NULL THEN
    RAISE EXCEPTION 'the site configuration is not an object that can be read; nothing was changed';
  END IF;
  IF edited <> former THEN
    INSERT INTO critical_and_site_config (type, contents) VALUES ('site', edited);
  END IF;

  FOR flag, is_on IN SELECT key, value::boolean FROM jsonb_each(wish -> 'flags') LOOP
    UPDATE feature_flags SET flag_type = 'bool', bool_value = is_on, rollout = NULL, deleted_at = NULL, updated_at = now()
      WHERE flag_name = flag;
    IF is_on AND NOT FOUND THEN
      INSERT INTO feature_flags (flag_name, flag_type, bool_value) VALUES (flag, 'bool', is_on);
    END IF;
  END LOOP;
END
$portal$
