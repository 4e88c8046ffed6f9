"""Settings that several files share."""


def settings():
    from cached_property import cached_property

    class Settings:
        @cached_property
        def folder(self):
            return "/tmp/landing"

    return Settings()
