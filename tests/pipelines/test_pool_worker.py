"""What a worker has loaded, and how."""

import gc
import subprocess
import sys

from pipelines.pool_worker import collected_once


def test_a_run_and_its_workers_that_need_no_model_load_no_large_library() -> None:
    # The driver imports every actor's module, as the workers do that run one of them.
    program = (
        "import sys, pipelines.index_run, pipelines.pool_worker\n"
        "heavy = {'av', 'boto3', 'cv2', 'ctranslate2', 'FlagEmbedding', 'onnxruntime', 'pandas', 'PIL'}\n"
        "heavy |= {'qdrant_client', 'ray', 'scipy', 'sklearn', 'tokenizers', 'torch', 'torchvision', 'transformers'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "[]\n"


def test_garbage_is_not_looked_for_while_loading_and_never_among_what_was_loaded() -> None:
    try:
        with collected_once():
            assert not gc.isenabled()
            loaded = [object(), {"of": "a model"}]
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
        assert not any(one is loaded for one in gc.get_objects())
    finally:
        gc.unfreeze()
