"""The export stage: turns models from the Hugging Face world into sealed bundles for the runtime.

Installed as ``edgeembed_export`` with the extra ``[export]``. It may import ``edgeembed``; never the other way.
"""
