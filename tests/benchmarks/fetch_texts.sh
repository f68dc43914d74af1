#!/bin/sh
# Texts for corpus.py, from documentation packages of Debian 12 or later: fetch_texts.sh FOLDER
# Some 4 GB of pages in the end, of which a million passages can be made. What is there stays.
set -eu
mkdir -p "$1"
cd "$1"
for package in \
    castle-game-engine-doc cppreference-doc-en-html db5.3-doc debian-handbook debian-policy \
    derby-doc developers-reference dpdk-doc erlang-doc gimp-help-en gnucash-docs gnuradio-doc \
    groovy-doc lazarus-doc-2.2 libboost1.81-doc libcrypto++-doc libdeal.ii-doc libgtk-4-doc \
    libreoffice-help-en-us libsbml5-doc libstdc++-12-doc lilypond-doc-html linux-doc-6.1 \
    opencv-doc openjdk-17-doc openms-doc perl-doc petsc3.18-doc postgresql-doc-15 \
    python-astropy-doc python-django-doc python-pandas-doc python-scipy-doc python-sklearn-doc \
    python-statsmodels-doc python-sympy-doc python3.11-doc qtbase5-doc-html racket-doc rust-doc \
    sagemath-doc sumo-doc trilinos-doc twisted-doc wx3.2-doc
do
    [ ! -d "$package" ] || continue
    apt-get download "$package" || { echo "no $package here; left out" >&2; continue; }
    dpkg-deb -x "$package"_*.deb "$package.new"
    rm "$package"_*.deb
    find "$package.new" -type f ! -name '*.html' ! -name '*.htm' ! -name '*.xhtml' \
        ! -name '*.txt' ! -name '*.rst' ! -name '*.md' -delete
    mv "$package.new" "$package"
done
