-- An in-memory database: insert, build an index, look up by it and aggregate.
CREATE TABLE sale (item INTEGER, amount INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
    INSERT INTO sale SELECT i * 7919 % 13, i % 9 FROM n;
CREATE INDEX sale_item ON sale(item);
SELECT item, sum(amount) FROM sale WHERE item > 3 GROUP BY item;
