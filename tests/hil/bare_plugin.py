"""A pytest plugin that lets the packages of the extras be missing: `-p tests.hil.bare_plugin`."""

import sys

sys.modules |= dict.fromkeys(("bleak", "bleak_retry_connector", "bumble"))
