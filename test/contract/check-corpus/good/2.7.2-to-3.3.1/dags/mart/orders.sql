-- execution_date was here before data_interval_start
INSERT INTO mart.orders SELECT * FROM raw.orders WHERE day = '{{ data_interval_start | ds }}' AND shift = '{{ params.get("shift", "all") }}';
