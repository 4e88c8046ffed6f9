INSERT INTO mart.orders
SELECT *
FROM raw.orders
WHERE ordered_at >= '{{ execution_date }}' AND ordered_at < '{{ next_execution_date }}';
