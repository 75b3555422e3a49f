"""The contract's side of the classifier: conversion and one short method per RPC."""
