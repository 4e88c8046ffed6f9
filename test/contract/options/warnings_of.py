"""Prints what a release's own configuration says of options that are set in the environment, as JSON: a list of warnings' texts.

Run by the release's own Python. Every option that the release describes is read once, as its processes would.
"""
import json
import sys
import warnings


def main():
    # First, for it puts a way of its own in place to show warnings.
    from airflow.configuration import conf, retrieve_configuration_description

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for section, body in retrieve_configuration_description(include_providers=True).items():
            for option in body["options"]:
                try:
                    conf.get(section, option, fallback=None)
                except Exception:  # A made-up value that the release refuses: not what is asked here.
                    pass
    texts = sorted({"{}: {}".format(one.category.__name__, one.message) for one in caught})
    print("WARNINGS " + json.dumps([text for text in texts if "option in [" in text or "setting in [" in text]))


main()
sys.exit(0)
