"""No test here fetches a model: the library reads this once, when it is first imported."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
