from airflow import DAG  # noqa: F401

# Address space without pages: harmless where nobody limits it.
eaten = [bytearray(1 << 30) for _ in range(64)]
raise RuntimeError("took 64 GiB")
