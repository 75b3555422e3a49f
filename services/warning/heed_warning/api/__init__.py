"""The contract's side of the warning service: conversion and one short method per RPC."""
